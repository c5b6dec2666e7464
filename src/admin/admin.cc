#include "admin/admin.h"

#include <coroutine>
#include <utility>

#include <nlohmann/json.hpp>

#include "admin/dashboard.h"
#include "admin/endpoints_page.h"
#include "admin/log_page.h"
#include "core/version.h"
#include "http/error_response.h"

namespace weir {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";

Response answer(Exchange& exchange, std::uint16_t status, std::string_view type,
                std::string content) {
  Response response(exchange.arena());
  response.status = status;
  response.headers.add(HeaderId::content_type, type);
  response.headers.add(HeaderId::cache_control, "no-store");
  auto* kept = exchange.own<std::string>(std::move(content));
  response.body = exchange.own<MemoryBody>(Slice::unowned(*kept));
  return response;
}

Response refused_method(Exchange& exchange) {
  Response response = error_response(exchange, 405, name(ErrorCode::method_not_allowed),
                                     "This page can only be read.");
  response.headers.add(HeaderId::allow, "GET, HEAD");
  return response;
}

std::string index_json() {
  nlohmann::ordered_json index = {
      {"name", "weir"},
      {"version", kVersion},
      {"links",
       {{"/dashboard", "this process, in a browser"},
        {"/metrics", "metrics for Prometheus"},
        {"/healthz", "200 while the process serves"},
        {"/readyz", "200 when clients may be sent here, else 503 and why not"},
        {"/endpoints", "every endpoint: whether it is available, why not, and its checks"},
        {"/log", "recent lines of the log; level, text, after, limit choose"},
        {"/config",
         "the configuration, defaults filled in, secrets left out; PUT, PATCH and DELETE "
         "of what is below change it"},
        {"/versions", "earlier configurations, to compare and to go back to"}}}};
  return index.dump(2) + "\n";
}

/// Browsers are shown the dashboard; programs get the list of links.
Response index(Exchange& exchange) {
  bool browser = wants_html(exchange);
  Response response = answer(exchange, browser ? 302 : 200, kJson, index_json());
  if (browser) response.headers.add(HeaderId::location, "/dashboard");
  response.headers.add(HeaderId::vary, "Accept");
  return response;
}

/// Runs `write` on the owner's thread and resumes on the worker's.
struct OnOwner {
  WorkerHost& host;
  Loop& loop;
  std::function<std::string()> write;
  std::string written;

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    host.post([this, waiter] {
      written = write();
      loop.post([waiter] { waiter.resume(); });
    });
  }
  std::string await_resume() { return std::move(written); }
};

/// Asks the API on the owner's thread and resumes on the worker's.
struct OnApi {
  WorkerHost& host;
  Loop& loop;
  AdminApi& api;
  ApiRequest request;
  ApiAnswer given;

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    host.post([this, waiter] {
      api.begin(std::move(request), [this, waiter](ApiAnswer answer) {
        given = std::move(answer);
        loop.post([waiter] { waiter.resume(); });
      });
    });
  }
  ApiAnswer await_resume() { return std::move(given); }
};

/// The body of a request, counted while it is held.
class HeldBody {
 public:
  explicit HeldBody(std::atomic<std::size_t>& held) : held_(held) {}
  HeldBody(const HeldBody&) = delete;
  HeldBody& operator=(const HeldBody&) = delete;
  ~HeldBody() { held_.fetch_sub(counted_, std::memory_order_relaxed); }

  /// Nothing if all of it came. Errors: of the client; `limit` if it is too large, `overloaded` if
  /// all of them are.
  Task<std::optional<Error>> read(Request& request);

  std::string text;

 private:
  std::atomic<std::size_t>& held_;
  std::size_t counted_ = 0;
};

Task<std::optional<Error>> HeldBody::read(Request& request) {
  while (request.body != nullptr) {
    Result<Slice> piece = co_await request.body->read();
    if (!piece) co_return piece.error();
    if (piece->size() == 0) break;
    std::string_view bytes = piece->view();
    if (text.size() + bytes.size() > Admin::kMostBody) {
      co_return Error{ErrorCode::body_too_large, Origin::client, "admin", Retry::never};
    }
    counted_ += bytes.size();
    if (held_.fetch_add(bytes.size(), std::memory_order_relaxed) > Admin::kMostHeld) {
      co_return Error{ErrorCode::overloaded, Origin::weir, "admin bodies", Retry::never};
    }
    text += bytes;
  }
  co_return std::nullopt;
}

// Several fields of one name are one list (RFC 9110, 5.3).
std::optional<std::string> list_of(const Headers& headers, HeaderId id) {
  std::optional<std::string> list;
  headers.for_each(id, [&](std::string_view value) {
    list = list ? *list + ", " + std::string(value) : std::string(value);
  });
  return list;
}

ApiRequest request_of(Exchange& exchange, HeldBody& body) {
  const Request& request = exchange.request();
  ApiRequest asked;
  asked.method = request.method;
  asked.path = request.target.path;
  asked.query = request.target.query;
  asked.body = std::move(body.text);
  asked.request_id = exchange.request_id();
  asked.if_match = list_of(request.headers, HeaderId::if_match);
  asked.if_none_match = list_of(request.headers, HeaderId::if_none_match);
  return asked;
}

}  // namespace

Task<std::string> Admin::on_owner(Loop& loop, std::function<std::string()> write) const {
  OnOwner waiting{host_, loop, std::move(write), {}};
  co_return co_await waiting;
}

std::string Admin::ready_json(bool& ready) const {
  nlohmann::ordered_json reasons = nlohmann::ordered_json::array();
  for (const Unready& each : status_.unready()) {
    nlohmann::ordered_json reason = {{"code", each.code}};
    if (!each.upstream.empty()) reason["upstream"] = each.upstream;
    reasons.push_back(std::move(reason));
  }
  ready = reasons.empty();
  nlohmann::ordered_json state = {{"ready", ready}};
  if (!ready) state["reasons"] = std::move(reasons);
  return state.dump() + "\n";
}

Task<Result<Response>> Admin::handle(Exchange& exchange) const {
  exchange.set_route(kAdminRoute);
  if (api_ != nullptr && AdminApi::serves(exchange.request().target.path)) {
    return ask_api(exchange);
  }
  return page(exchange);
}

// --- the API -----------------------------------------------------------------------------------

Task<Result<Response>> Admin::ask_api(Exchange& exchange) const {
  HeldBody body(held_);
  if (std::optional<Error> wrong = co_await body.read(exchange.request())) {
    if (wrong->code != ErrorCode::overloaded) co_return fail(*wrong);
    co_return error_response(exchange, 503, "too_many_changes",
                             "The changes that others are about to make are large.");
  }
  ApiAnswer given = co_await OnApi{host_, exchange.loop(), *api_, request_of(exchange, body), {}};
  std::uint16_t status = given.status;
  Response response = answer(exchange, status, kJson, std::move(given.body));
  Arena& arena = exchange.arena();
  if (!given.tag.empty()) response.headers.add(HeaderId::etag, arena.copy(given.tag));
  if (!given.allow.empty()) response.headers.add(HeaderId::allow, given.allow);
  if (status == 503) response.headers.add(HeaderId::retry_after, "1");
  if (given.version > 0) {
    response.headers.add("Weir-Config-Version", arena.copy(std::to_string(given.version)));
  }
  co_return response;
}

// --- pages -------------------------------------------------------------------------------------

Task<Result<Response>> Admin::log_page(Exchange& exchange) const {
  std::expected<LogQuery, std::string> query = parse_log_query(exchange.request().target.query);
  if (!query) co_return error_response(exchange, 400, "bad_parameter", query.error());
  std::function<std::string()> write = [&query] { return log_json(recent_log(), *query); };
  std::string text = co_await on_owner(exchange.loop(), std::move(write));
  co_return answer(exchange, 200, kJson, std::move(text));
}

Task<Result<Response>> Admin::page(Exchange& exchange) const {
  const Request& request = exchange.request();
  if (request.method != Method::get && request.method != Method::head) {
    co_return refused_method(exchange);
  }
  std::string_view path = request.target.path;
  if (path == "/healthz") co_return answer(exchange, 200, kJson, "{\"healthy\":true}\n");
  if (path == "/readyz") {
    bool ready = false;
    std::string state = ready_json(ready);
    co_return answer(exchange, ready ? 200 : 503, kJson, std::move(state));
  }
  if (path == "/") co_return index(exchange);
  if (const DashboardFile* file = find_dashboard_file(path)) {
    co_return dashboard_response(exchange, *file);
  }
  if (path == "/log") co_return co_await log_page(exchange);
  if (path == "/metrics") {
    std::function<std::string()> write = [this] { return status_.metrics(); };
    std::string text = co_await on_owner(exchange.loop(), std::move(write));
    co_return answer(exchange, 200, kPrometheusText, std::move(text));
  }
  if (path == "/endpoints") {
    TimePoint now = exchange.loop().now();
    std::function<std::string()> write = [this, now] { return endpoints_json(status_, now); };
    std::string text = co_await on_owner(exchange.loop(), std::move(write));
    co_return answer(exchange, 200, kJson, std::move(text));
  }
  co_return error_response(exchange, 404, name(ErrorCode::not_found),
                           "The admin listener has no such page; / lists what it has.");
}

}  // namespace weir
