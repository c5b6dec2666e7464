#include "http/h1/framing.h"

#include <algorithm>
#include <array>
#include <limits>

#include "http/status.h"

namespace weir::h1 {
namespace {

constexpr std::uint64_t kMaxLength = std::numeric_limits<std::int64_t>::max();

// The fields that matter here, collected in one pass.
struct Facts {
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned codings = 0;
  unsigned expectations = 0;
  unsigned upgrades = 0;
  unsigned options = 0;  // of Connection
  bool close = false;
  bool keep_alive = false;
  bool upgrade_option = false;
  bool te_trailers = false;
  bool bad_option = false;
  std::string_view length;
  std::string_view expectation;
  std::string_view upgrade;
};

// What the fields say of the end of the message.
struct Announced {
  bool chunked = false;
  bool has_length = false;
  std::uint64_t length = 0;
  bool any() const { return chunked || length != 0; }
};

void collect_options(std::string_view list, Facts& facts) {
  if (list == "keep-alive") {  // nearly always
    facts.keep_alive = true;
    ++facts.options;
    return;
  }
  for_each_token(list, [&facts](std::string_view option) {
    if (++facts.options > kMaxConnectionOptions || !is_token(option)) facts.bad_option = true;
    if (iequals(option, "keep-alive")) {
      facts.keep_alive = true;
    } else if (iequals(option, "close")) {
      facts.close = true;
    } else if (iequals(option, "upgrade")) {
      facts.upgrade_option = true;
    }
    return !facts.bad_option;
  });
}

void collect_te(std::string_view list, Facts& facts) {
  for_each_token(list, [&facts](std::string_view coding) {
    if (iequals(coding, "trailers")) facts.te_trailers = true;
  });
}

Facts collect(const Headers& headers) {
  constexpr HeaderSet kWanted(HeaderId::host, HeaderId::content_length, HeaderId::transfer_encoding,
                              HeaderId::connection, HeaderId::expect, HeaderId::upgrade,
                              HeaderId::te);
  Facts facts;
  for (const Header& h : headers) {
    if (!kWanted.has(h.id())) continue;
    switch (h.id()) {
      case HeaderId::host: ++facts.hosts; break;
      case HeaderId::content_length:
        ++facts.lengths;
        facts.length = h.value();
        break;
      case HeaderId::transfer_encoding: ++facts.codings; break;
      case HeaderId::connection: collect_options(h.value(), facts); break;
      case HeaderId::expect:
        ++facts.expectations;
        facts.expectation = h.value();
        break;
      case HeaderId::upgrade:
        ++facts.upgrades;
        facts.upgrade = h.value();
        break;
      default: collect_te(h.value(), facts); break;
    }
  }
  return facts;
}

Result<std::uint64_t> parse_length(std::string_view text, Origin origin) {
  // Any 19 digits fit 64 bits; more of them are too large or start with zeros for no good.
  if (text.empty() || text.size() > 19) {
    return fail(ErrorCode::bad_framing, origin, "Content-Length is empty or too large");
  }
  std::uint64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) {
      return fail(ErrorCode::bad_framing, origin, "Content-Length is not a number");
    }
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > kMaxLength) {
    return fail(ErrorCode::bad_framing, origin, "Content-Length is too large");
  }
  return value;
}

// One field with the one coding `chunked`. The rest is told apart: codings we do not have, and
// lists whose end two parsers may see at different places.
Status check_transfer_encoding(const Headers& headers, Origin origin) {
  bool well_formed = true;
  bool chunked_before = false;
  unsigned codings = 0;
  headers.for_each(HeaderId::transfer_encoding, [&](std::string_view list) {
    well_formed = well_formed && !list.empty();
    for (std::size_t at = 0; at <= list.size() && well_formed;) {
      std::size_t comma = std::min(list.find(',', at), list.size());
      std::string_view coding = trim_ows(list.substr(at, comma - at));
      // `chunked` is the last one: nothing may come after it.
      well_formed = is_token(coding) && !chunked_before;
      chunked_before = chunked_before || iequals(coding, "chunked");
      ++codings;
      at = comma + 1;
    }
  });
  if (!well_formed) {
    return fail(ErrorCode::bad_framing, origin, "Transfer-Encoding is malformed");
  }
  if (codings != 1 || !chunked_before) {
    return fail(ErrorCode::unsupported, origin, "a transfer coding other than chunked");
  }
  return {};
}

Result<Announced> announced_body(const Headers& headers, const Facts& facts, int minor_version,
                                 Origin origin) {
  Announced body{.has_length = facts.lengths != 0};
  if (facts.codings != 0) {
    if (body.has_length) {
      return fail(ErrorCode::bad_framing, origin, "Content-Length and Transfer-Encoding");
    }
    if (minor_version == 0) {
      return fail(ErrorCode::bad_framing, origin, "Transfer-Encoding in HTTP/1.0");
    }
    if (Status good = check_transfer_encoding(headers, origin); !good) return fail(good.error());
    body.chunked = true;
  }
  if (body.has_length) {
    if (facts.lengths > 1) {
      return fail(ErrorCode::bad_framing, origin, "more than one Content-Length");
    }
    auto length = parse_length(facts.length, origin);
    if (!length) return fail(length.error());
    body.length = *length;
  }
  return body;
}

std::unexpected<Error> bad_connection(Origin origin) {
  return fail(ErrorCode::parse, origin, "Connection is malformed or too long");
}

bool lives_on(const Facts& facts, int minor_version) {
  return !facts.close && (minor_version >= 1 || facts.keep_alive);
}

// RFC 9110, 7.8, RFC 2817: what would change the protocol of the connection itself is between two
// neighbours. Forwarded, it would open a way past whatever is decided for each request.
bool is_hop_protocol(std::string_view name) {
  return iequals(name, "h2c") || iequals(name, "h2") || iequals(name, "http") ||
         iequals(name, "tls");
}

// One protocol of the form name or name/version; a choice of several is not taken up.
std::string_view upgrade_protocol(const Facts& facts, int minor_version) {
  if (!facts.upgrade_option || minor_version == 0 || facts.upgrades != 1) return {};
  std::size_t slash = facts.upgrade.find('/');
  std::string_view protocol = facts.upgrade.substr(0, slash);
  bool good = is_token(protocol) && !is_hop_protocol(protocol) &&
              (slash == std::string_view::npos || is_token(facts.upgrade.substr(slash + 1)));
  return good ? facts.upgrade : std::string_view{};
}

void set_body(Framing& framing, const Announced& body) {
  framing.has_length = body.has_length;
  framing.length = body.length;
  if (body.chunked) {
    framing.kind = Framing::Kind::chunked;
  } else if (body.length != 0) {
    framing.kind = Framing::Kind::length;
  }
}

bool is_host_count_good(std::size_t hosts, int minor_version) {
  return hosts == 1 || (hosts == 0 && minor_version == 0);
}

bool is_success(std::uint16_t status) { return status >= 200 && status < 300; }

// Names that a sender must not be able to remove through Connection, beyond the known ones.
bool is_protected_name(std::string_view name) { return istarts_with(name, "x-forwarded-"); }

}  // namespace

Result<Framing> request_framing(const RequestHead& head, const Headers& headers) {
  constexpr HeaderSet kBeyondHost(HeaderId::content_length, HeaderId::transfer_encoding,
                                  HeaderId::connection, HeaderId::expect, HeaderId::te);
  Framing framing;
  bool simple = !headers.has_any(kBeyondHost);
  Facts facts = simple ? Facts{.hosts = static_cast<unsigned>(headers.count(HeaderId::host))}
                       : collect(headers);
  if (!is_host_count_good(facts.hosts, head.minor_version)) {
    return fail(ErrorCode::bad_host, Origin::client,
                facts.hosts == 0 ? "no Host" : "more than one Host");
  }
  framing.keep_alive = lives_on(facts, head.minor_version);
  if (simple) return framing;
  if (facts.bad_option) return bad_connection(Origin::client);
  auto body = announced_body(headers, facts, head.minor_version, Origin::client);
  if (!body) return fail(body.error());
  if (body->any() && (head.method == Method::connect || head.method == Method::trace)) {
    return fail(ErrorCode::bad_framing, Origin::client, "content with CONNECT or TRACE");
  }
  set_body(framing, *body);
  framing.upgrade = upgrade_protocol(facts, head.minor_version);
  framing.te_trailers = facts.te_trailers;
  // HTTP/1.0 clients do not know 100 (Continue): RFC 9110, 10.1.1.
  if (facts.expectations != 0 && head.minor_version >= 1) {
    if (facts.expectations > 1 || !iequals(facts.expectation, "100-continue")) {
      return fail(ErrorCode::expectation_failed, Origin::client,
                  "an expectation other than 100-continue");
    }
    framing.expect_continue = framing.has_body();
  }
  return framing;
}

Result<Framing> response_framing(const ResponseHead& head, const Headers& headers, Method method) {
  Framing framing;
  if (method == Method::connect && is_success(head.status)) {
    framing.kind = Framing::Kind::tunnel;  // RFC 9112, 6.3: its length fields are ignored
    return framing;
  }
  Facts facts = collect(headers);
  if (facts.bad_option) return bad_connection(Origin::upstream);
  auto body = announced_body(headers, facts, head.minor_version, Origin::upstream);
  if (!body) return fail(body.error());
  framing.keep_alive = lives_on(facts, head.minor_version);
  if (is_interim(head.status)) {
    if (body->any() || (head.status == 101 && head.minor_version == 0)) {
      return fail(ErrorCode::bad_framing, Origin::upstream, "a malformed interim response");
    }
    if (head.status != 101) return framing;
    framing.kind = Framing::Kind::tunnel;
    framing.keep_alive = false;
    framing.upgrade = upgrade_protocol(facts, head.minor_version);
    return framing;
  }
  if (never_has_content(head.status) || method == Method::head) {
    framing.has_length = body->has_length;
    framing.length = body->length;
    // Who announces a body with 204 may also send it, and the next response would start in it.
    if (head.status == 204 && body->any()) framing.keep_alive = false;
    return framing;
  }
  set_body(framing, *body);
  if (!body->chunked && !body->has_length) {
    framing.kind = Framing::Kind::until_close;
    framing.keep_alive = false;
  }
  return framing;
}

void remove_hop_by_hop(Headers& headers, HeaderSet also) {
  constexpr HeaderSet kPresent(
      HeaderId::connection, HeaderId::keep_alive, HeaderId::proxy_connection, HeaderId::te,
      HeaderId::transfer_encoding, HeaderId::upgrade, HeaderId::http2_settings);
  if (!headers.has_any(kPresent) && !headers.has_any(also)) return;
  std::array<std::string_view, kMaxConnectionOptions> named;
  std::size_t count = 0;
  headers.for_each(HeaderId::connection, [&](std::string_view list) {
    for_each_token(list, [&](std::string_view name) {
      if (header_id(name) != HeaderId::unknown || is_protected_name(name)) return true;
      if (count < named.size()) named[count++] = name;
      return count < named.size();
    });
  });
  headers.remove_if([&](const Header& h) {
    if (h.id() != HeaderId::unknown) return is_hop_by_hop(h.id()) || also.has(h.id());
    for (std::size_t i = 0; i < count; ++i) {
      if (iequals(h.name(), named[i])) return true;
    }
    return false;
  });
}

bool trailer_allowed(HeaderId id, std::string_view name) {
  if (id != HeaderId::unknown) return id == HeaderId::etag;
  if (name.find('_') != std::string_view::npos) return false;
  for (std::string_view prefix : {"x-forwarded-", "x-real-", "proxy-", "sec-", "access-control-"}) {
    if (istarts_with(name, prefix)) return false;
  }
  return true;
}

std::size_t remove_forbidden_trailers(Headers& trailers) {
  return trailers.remove_if([](const Header& h) { return !trailer_allowed(h.id(), h.name()); });
}

}  // namespace weir::h1
