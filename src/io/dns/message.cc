#include "io/dns/message.h"

// The newer interface of c-ares is missing from the version of Debian 12.
#define CARES_NO_DEPRECATED
#include <ares.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir::dns {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint16_t kInternet = 1;  // class IN

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

std::uint16_t read16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(bytes[at]) << 8 |
                                    static_cast<std::uint8_t>(bytes[at + 1]));
}

std::uint32_t read32(std::string_view bytes, std::size_t at) {
  return std::uint32_t{read16(bytes, at)} << 16 | read16(bytes, at + 2);
}

/// The header's fields that matter (RFC 1035, 4.1.1).
struct Header {
  explicit Header(std::string_view m)
      : id(read16(m, 0)),
        flags(read16(m, 2)),
        questions(read16(m, 4)),
        answers(read16(m, 6)),
        authorities(read16(m, 8)),
        additionals(read16(m, 10)) {}

  bool response() const { return (flags & 0x8000) != 0; }
  unsigned opcode() const { return flags >> 11 & 15; }
  bool authoritative() const { return (flags & 0x0400) != 0; }
  bool truncated() const { return (flags & 0x0200) != 0; }
  bool recursive() const { return (flags & 0x0080) != 0; }
  unsigned code() const { return flags & 15; }

  std::uint16_t id, flags, questions, answers, authorities, additionals;
};

enum ResponseCode : unsigned { kNoError, kFormatError, kServerFailure, kNoName, kNotImplemented };

std::string_view name_of_code(unsigned code) {
  switch (code) {
    case kFormatError: return "formerr";
    case kServerFailure: return "servfail";
    case kNotImplemented: return "notimp";
    case 5: return "refused";
    default: return "unexpected response code";
  }
}

struct Record {
  std::string owner;
  std::uint16_t type;
  std::uint16_t dns_class;
  std::uint32_t ttl;
  std::size_t data;  // where the data begins in the message
  std::size_t size;
};

/// Walks the records of a message. After the first thing that is wrong, every step fails.
class Records {
 public:
  Records(std::string_view message, std::size_t at) : message_(message), at_(at) {}

  std::optional<Record> next() {
    Record record;
    auto owner = name(at_, message_.size());
    if (!owner || message_.size() - at_ < 10) return {};
    record.owner = std::move(*owner);
    record.type = read16(message_, at_);
    record.dns_class = read16(message_, at_ + 2);
    record.ttl = read32(message_, at_ + 4);
    if (record.ttl > 0x7fffffff) record.ttl = 0;  // RFC 2181, 8
    record.size = read16(message_, at_ + 8);
    record.data = at_ + 10;
    if (record.size > message_.size() - record.data) return {};
    at_ = record.data + record.size;
    return record;
  }

  /// The name that begins at `at`, in lower case; moves `at` behind it, to `end` at most.
  /// c-ares follows the pointers and refuses loops of them.
  std::optional<std::string> name(std::size_t& at, std::size_t end) {
    if (at >= end) return {};
    const auto* bytes = reinterpret_cast<const unsigned char*>(message_.data());
    char* text = nullptr;
    long taken = 0;
    int done =
        ares_expand_name(bytes + at, bytes, static_cast<int>(message_.size()), &text, &taken);
    if (done != ARES_SUCCESS) return {};
    std::string expanded(text);
    ares_free_string(text);
    at += static_cast<std::size_t>(taken);
    name_bytes_ += expanded.size();
    if (at > end || name_bytes_ > kMaxNameBytes) return {};
    std::ranges::transform(expanded, expanded.begin(), lower);
    return expanded;
  }

  bool at_end() const { return at_ == message_.size(); }
  std::string_view message() const { return message_; }

 private:
  std::string_view message_;
  std::size_t at_;
  std::size_t name_bytes_ = 0;
};

/// Turns the sections into the reply to one query.
class ReplyBuilder {
 public:
  ReplyBuilder(std::string_view message, std::size_t at, const Query& query)
      : records_(message, at), query_(query) {}

  Reply build(const Header& header) {
    unsigned count = 0u + header.answers + header.authorities + header.additionals;
    if (count > kMaxRecords) return malformed("too many records");
    for (unsigned i = 0; i < count; ++i) {
      auto record = records_.next();
      if (!record) return malformed("bad record");
      if (record->dns_class != kInternet) continue;  // of OPT it is no class
      if (i < header.answers) {
        if (!take_answer(*record)) return malformed("bad record");
      } else if (i < 0u + header.answers + header.authorities && !take_authority(*record)) {
        return malformed("bad record");
      }
    }
    if (!records_.at_end()) return malformed("trailing bytes");
    return conclude(header);
  }

 private:
  struct Alias {
    std::string owner, target;
    std::uint32_t ttl;
  };
  struct Found {
    std::string owner;
    std::uint32_t ttl;
    IpAddress address;
    Service service;
  };

  static Reply malformed(std::string_view detail) {
    Reply reply;
    reply.verdict = Verdict::malformed;
    reply.detail = detail;
    return reply;
  }

  bool take_answer(Record& record) {
    if (record.type == static_cast<std::uint16_t>(RecordType::cname)) return take_alias(record);
    if (record.type != static_cast<std::uint16_t>(query_.type)) return true;
    Found found{std::move(record.owner), record.ttl, {}, {}};
    bool good = query_.type == RecordType::srv ? read_service(record, found.service)
                                               : read_address(record, found.address);
    if (good) found_.push_back(std::move(found));
    return good;
  }

  bool take_alias(Record& record) {
    std::size_t at = record.data, end = record.data + record.size;
    auto target = records_.name(at, end);
    if (!target || at != end) return false;
    aliases_.push_back({std::move(record.owner), std::move(*target), record.ttl});
    return true;
  }

  bool read_address(const Record& record, IpAddress& into) const {
    into.v4 = query_.type == RecordType::a;
    std::size_t size = into.v4 ? 4 : 16;
    if (record.size != size) return false;
    std::memcpy(into.bytes.data() + 16 - size, records_.message().data() + record.data, size);
    return true;
  }

  bool read_service(const Record& record, Service& into) {
    std::size_t at = record.data + 6, end = record.data + record.size;
    if (record.size < 7) return false;
    into.priority = read16(records_.message(), record.data);
    into.weight = read16(records_.message(), record.data + 2);
    into.port = read16(records_.message(), record.data + 4);
    auto target = records_.name(at, end);
    if (!target || at != end) return false;
    into.target = std::move(*target);
    return true;
  }

  bool take_authority(const Record& record) {
    if (record.type != static_cast<std::uint16_t>(RecordType::soa)) return true;
    std::size_t at = record.data, end = record.data + record.size;
    if (!records_.name(at, end) || !records_.name(at, end) || end - at != 20) return false;
    negative_ttl_ = std::min(record.ttl, read32(records_.message(), at + 16));  // RFC 2308, 5
    return true;
  }

  /// Follows the aliases from the name that was asked for; null if they make no sense.
  const char* follow(std::string_view& name, std::uint32_t& ttl) const {
    for (unsigned hops = 0;; ++hops) {
      auto owned = [&](const Alias& alias) { return alias.owner == name; };
      auto alias = std::ranges::find_if(aliases_, owned);
      if (alias == aliases_.end()) return nullptr;
      if (hops == kMaxAliases) return "too many aliases";
      bool two = std::any_of(alias + 1, aliases_.end(), [&](const Alias& other) {
        return owned(other) && other.target != alias->target;
      });
      if (two) return "two aliases";
      name = alias->target;
      ttl = std::min(ttl, alias->ttl);
    }
  }

  Reply conclude(const Header& header) {
    std::string_view name = query_.name;
    std::uint32_t ttl = ~std::uint32_t{0};
    if (const char* wrong = follow(name, ttl)) return malformed(wrong);
    Reply reply;
    reply.verdict = header.code() == kNoName ? Verdict::no_name : Verdict::no_data;
    for (Found& found : found_) {
      if (found.owner != name || header.code() == kNoName) continue;
      ttl = std::min(ttl, found.ttl);
      reply.ttl = ttl;
      if (query_.type != RecordType::srv) {
        reply.addresses.push_back(found.address);
      } else if (!found.service.target.empty()) {
        reply.services.push_back(std::move(found.service));
      }
    }
    if (!reply.addresses.empty() || !reply.services.empty()) {
      reply.verdict = Verdict::found;
    } else if (!reply.ttl && negative_ttl_) {
      reply.ttl = std::min(ttl, *negative_ttl_);
    }
    return reply;
  }

  Records records_;
  const Query& query_;
  std::vector<Alias> aliases_;
  std::vector<Found> found_;
  std::optional<std::uint32_t> negative_ttl_;
};

Reply of(Verdict verdict, std::string_view detail = {}) {
  Reply reply;
  reply.verdict = verdict;
  reply.detail = detail;
  return reply;
}

/// Whether the question comes back as it was sent.
Verdict check_question(std::string_view message, const Query& query, bool exact_case) {
  if (message.size() < kHeaderBytes + query.question_size) return Verdict::foreign;
  std::string_view echoed = message.substr(kHeaderBytes, query.question_size);
  std::string_view asked = std::string_view(query.bytes).substr(kHeaderBytes, query.question_size);
  if (echoed == asked) return Verdict::found;
  // Bytes that are no letters (lengths, type, class) are never in the range of letters that
  // lower() changes: lengths are at most 63, type and class at most 33.
  bool same = std::ranges::equal(echoed, asked, {}, lower, lower);
  if (!same) return Verdict::foreign;
  return exact_case ? Verdict::suspect : Verdict::found;
}

}  // namespace

std::optional<HostName> parse_host_name(std::string_view text) {
  HostName name;
  if (text.ends_with('.')) {
    name.absolute = true;
    text.remove_suffix(1);
  }
  if (text.empty() || text.size() > 253) return {};
  std::size_t label = 0;
  for (char c : text) {
    if (c == '.') {
      if (label == 0) return {};
      label = 0;
      continue;
    }
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '_') return {};
    if (++label > 63) return {};
  }
  if (label == 0) return {};
  name.text.resize(text.size());
  std::ranges::transform(text, name.text.begin(), lower);
  return name;
}

Result<Query> make_query(std::string_view name, RecordType type, bool edns, Random& random) {
  Query query;
  query.name = name;
  query.type = type;
  std::string recased(name);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < recased.size(); ++i) {
    if (i % 64 == 0) bits = random.next();
    if (letter(recased[i]) && (bits >> i % 64 & 1) != 0) {
      recased[i] = static_cast<char>(recased[i] ^ 0x20);
    }
  }
  auto id = static_cast<unsigned short>(random.below(65536));
  unsigned char* bytes = nullptr;
  int size = 0;
  int done = ares_create_query(recased.c_str(), kInternet, static_cast<int>(type), id, 1, &bytes,
                               &size, edns ? kUdpBytes : 0);
  if (done != ARES_SUCCESS) {
    return fail(ErrorCode::dns_failure, Origin::weir, "name cannot be asked for");
  }
  query.bytes.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  ares_free_string(bytes);
  // A length before each label, the root's zero, type and class.
  query.question_size = name.size() + 2 + 4;
  return query;
}

Reply parse_reply(std::string_view message, const Query& query, bool exact_case) {
  if (message.size() < kHeaderBytes) return of(Verdict::foreign);
  Header header(message);
  if (header.id != read16(query.bytes, 0) || !header.response() || header.opcode() != 0) {
    return of(Verdict::foreign);
  }
  bool rejects = header.code() == kFormatError || header.code() == kNotImplemented;
  // A server that did not understand the query may not repeat its question.
  if (rejects && header.questions == 0 && message.size() == kHeaderBytes) {
    return of(Verdict::no_edns, name_of_code(header.code()));
  }
  if (header.questions != 1) return of(Verdict::foreign);
  Verdict echoed = check_question(message, query, exact_case);
  if (echoed != Verdict::found) return of(echoed);
  if (header.truncated()) return of(Verdict::truncated);
  if (rejects) return of(Verdict::no_edns, name_of_code(header.code()));
  if (header.code() != kNoError && header.code() != kNoName) {
    return of(Verdict::refused, name_of_code(header.code()));
  }
  // A referral: the server does not ask others for us, so it does not know (as glibc has it).
  if (header.code() == kNoError && header.answers == 0 && !header.authoritative() &&
      !header.recursive()) {
    return of(Verdict::refused, "no recursion");
  }
  return ReplyBuilder(message, kHeaderBytes + query.question_size, query).build(header);
}

}  // namespace weir::dns
