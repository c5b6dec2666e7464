#include "middleware/basic_auth.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "http/error_response.h"
#include "http/exchange.h"
#include "http/owned_fields.h"
#include "http/syntax.h"
#include "io/offload.h"
#include "io/tls/hmac.h"
#include "middleware/basic_auth/password_hash.h"
#include "middleware/basic_auth/verdicts.h"

namespace weir {

/// What outlives configurations, by the name of the file: what a digest stands for changes with the
/// hash of its user, so that a reload forgets exactly the passwords that were changed.
class BasicAuthMemory {
 public:
  BasicAuthMemory() {
    if (RAND_bytes(key_.data(), key_.size()) != 1) std::abort();  // no secret, no door
  }

  Verdicts& verdicts(Loop& loop) {
    return loop.slots().get<Verdicts>(key_of_worker_, [] { return std::make_unique<Verdicts>(); });
  }
  Verdicts::Digest digest(std::string_view user, std::string_view hash,
                          std::string_view password) const {
    tls::HmacOf<tls::Sha256> mac(key_);
    for (std::string_view part : {user, hash, password}) {
      std::uint64_t size = part.size();
      unsigned char length[sizeof size];
      std::memcpy(length, &size, sizeof size);
      mac.add(length);
      mac.add({reinterpret_cast<const unsigned char*>(part.data()), part.size()});
    }
    Verdicts::Digest digest;
    mac.finish(digest.data());
    return digest;
  }
  FailureLimit failures;

 private:
  std::array<unsigned char, 32> key_;
  SlotKey key_of_worker_;
};

/// Credentials, and what is known of them without comparing.
struct BasicAuthMiddleware::Claim {
  BasicCredentials credentials;
  const std::string* hash = nullptr;  // null: there is no such user
  Verdicts::Digest digest;
};

namespace {

/// Owns what it looks at, and leaves no password behind.
struct Comparison {
  std::string hash;
  std::string password;
  bool operator()() {
    bool same = is_password_of(hash, password);
    OPENSSL_cleanse(password.data(), password.size());
    return same;
  }
};

std::string quoted(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::optional<config::Problem> check_realm(std::string_view text) {
  bool good = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (good) return std::nullopt;
  return config::Problem{config::Code::bad_text, "a realm has printable ASCII characters only",
                         "browsers show it in a small window; write a few words"};
}

void BasicAuthConfig::check(const config::Found& found) const {
  if (!failures || (failures->count > 0 && failures->count <= 1000)) return;
  found.error("failures", config::Code::out_of_range,
              "a client may be wrong at least once and at most 1000 times in the time given",
              "write it like 10/m, or `unlimited`");
}

BasicAuthMiddleware::BasicAuthMiddleware(const BasicAuthConfig& config, const BuildParts& parts)
    : memory_(parts.states.get<BasicAuthMemory>(
          *config.file, [] { return std::make_shared<BasicAuthMemory>(); })),
      threads_(parts.states.get<Offload>(
          "passwords", [] { return std::make_shared<Offload>(OffloadLimits{}); })),
      challenge_(fmt::format("Basic realm=\"{}\", charset=\"UTF-8\"", quoted(config.realm))),
      user_header_(config.user_header.value_or("")),
      remember_(config.remember) {
  if (config.failures) failures_ = {config.failures->count, config.failures->per};
  auto users = PasswordFile::read(*config.file);
  if (users) {
    users_ = std::move(*users);
  } else {
    parts.diagnostics.error(config.file.position, config::Code::unreadable_reference,
                            fmt::format("{}: {}", *config.file, users.error()),
                            "`htpasswd -B FILE USER` writes such a file");
  }
}

BasicAuthMiddleware::~BasicAuthMiddleware() = default;

Task<Result<Response>> BasicAuthMiddleware::handle(Exchange& exchange, Next next) const {
  std::optional<Claim> claim = claim_of(exchange.request());
  if (!claim || !remembers(exchange, *claim)) return ask(exchange, next, std::move(claim));
  let_in(exchange, *claim);
  return next(exchange);
}

// Two Authorization fields are none: who reads the first and who reads the last would see others.
std::optional<BasicAuthMiddleware::Claim> BasicAuthMiddleware::claim_of(
    const Request& request) const {
  if (request.headers.count(HeaderId::authorization) != 1) return std::nullopt;
  auto credentials = parse_basic_credentials(request.headers.get(HeaderId::authorization));
  if (!credentials) return std::nullopt;
  Claim claim{std::move(*credentials), nullptr, {}};
  claim.hash = users_->find(claim.credentials.user);
  claim.digest = memory_->digest(claim.credentials.user, claim.hash ? *claim.hash : std::string(),
                                 claim.credentials.password);
  return claim;
}

bool BasicAuthMiddleware::remembers(Exchange& exchange, const Claim& claim) const {
  Loop& loop = exchange.loop();
  return memory_->verdicts(loop).remembers(claim.digest, loop.now());
}

// The Authorization field stays until the request is sent on: what is between here and there (a
// cache) must know that the answer is for one user.
void BasicAuthMiddleware::let_in(Exchange& exchange, const Claim& claim) const {
  std::string_view user = exchange.arena().copy(claim.credentials.user);
  exchange.set_identity(user);
  if (user_header_.empty()) return;
  Headers& headers = exchange.request().headers;
  clear_owned(headers, {&user_header_, 1});
  headers.add(user_header_, user);
}

Task<Result<Response>> BasicAuthMiddleware::ask(Exchange& exchange, Next next,
                                                std::optional<Claim> claim) const {
  if (!claim) co_return challenge(exchange);
  Result<bool> right = co_await judge(exchange, *claim);
  if (!right) co_return fail(right.error());
  if (!*right) co_return challenge(exchange);
  let_in(exchange, *claim);
  co_return co_await next(exchange);
}

Task<Result<bool>> BasicAuthMiddleware::judge(Exchange& exchange, const Claim& claim) const {
  Verdicts& verdicts = memory_->verdicts(exchange.loop());
  while (!verdicts.begin(claim.digest)) {
    Result<std::optional<bool>> told =
        co_await verdicts.wait(claim.digest, exchange.loop(), exchange.stop());
    if (!told) co_return fail(told.error());
    if (*told) co_return **told;
  }
  Result<bool> right = co_await compare(exchange, claim);
  std::optional<bool> verdict;
  if (right) verdict = *right;
  verdicts.end(claim.digest, verdict, exchange.loop().now() + remember_);
  co_return right;
}

// One who leaves before the answer has failed.
Task<Result<bool>> BasicAuthMiddleware::compare(Exchange& exchange, const Claim& claim) const {
  Loop& loop = exchange.loop();
  if (failures_) {
    auto wait = memory_->failures.begin(exchange.client_ip(), *failures_, loop.now());
    if (wait) {
      Error error(ErrorCode::auth_failures, Origin::client, "too many wrong passwords");
      auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
      error.retry_after = static_cast<std::uint16_t>(std::clamp<std::int64_t>(seconds, 1, 3600));
      co_return fail(error);
    }
  }
  Comparison work{claim.hash ? *claim.hash : users_->decoy(), claim.credentials.password};
  Result<bool> same = co_await threads_->run(loop, std::move(work), exchange.stop());
  bool right = same && *same && claim.hash != nullptr;
  bool tried = same || same.error().code != ErrorCode::overloaded;
  if (failures_) {
    memory_->failures.end(exchange.client_ip(), *failures_, tried && !right, loop.now());
  }
  if (!same) co_return fail(same.error());
  co_return right;
}

Response BasicAuthMiddleware::challenge(Exchange& exchange) const {
  Error error(ErrorCode::auth_required, Origin::client, "no user name, or a wrong password");
  exchange.outcome().error = error;
  Response response = error_response(exchange, error);
  response.headers.add(HeaderId::www_authenticate, challenge_);
  return response;
}

}  // namespace weir
