#include "upstream/lone_request.h"

#include <utility>

#include "http/h2/client_exchange.h"

namespace weir {
namespace {

// Of the whole there is a stop token.
constexpr Duration kAnyTime = std::chrono::hours(1);

/// A connection that is used once goes nowhere afterwards.
struct Nowhere final : h1::ConnectionHome, h2::ClientSessionHome {
  void give_back(h1::ClientConnection) override {}
  void stream_ended(h2::ClientSession&) override {}
  void settings_came(h2::ClientSession&) override {}
  void session_closed(h2::ClientSession&) override {}
  AbuseCounters& abuse() override { return counters; }
  AbuseCounters counters;
};

/// What outlives the exchange.
struct Setting {
  FetchRequest text;
  Nowhere home;
  h1::ClientLimits limits{{}, {}, kAnyTime, kAnyTime};
  h2::ClientSessionLimits session_limits;
  ConnectionFacts nobody;
  Scope sessions;
};

h1::ClientRequest message_of(Exchange& exchange, const FetchRequest& text) {
  Request& own = exchange.request();
  bool post = !text.body.empty();
  own.method = post ? Method::post : Method::get;
  own.method_text = post ? "POST" : "GET";
  own.headers.set(HeaderId::host, text.host);
  if (post) own.headers.set(HeaderId::content_type, text.content_type);
  own.headers.set(HeaderId::user_agent, "weir-health");
  if (post) own.body = exchange.own<MemoryBody>(Slice::unowned(text.body));
  return {own.method, own.method_text, text.target, &own.headers, own.body, {}, post};
}

Task<Result<LoneAnswer>> collect(Response& response, std::size_t most) {
  LoneAnswer answer;
  answer.status = response.status;
  const Headers* last = &response.headers;
  while (response.body != nullptr) {
    Result<Slice> piece = co_await response.body->read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) {
      last = response.body->trailers();
      break;
    }
    answer.body += piece->view().substr(0, most - answer.body.size());
    answer.cut = answer.body.size() == most;
    if (answer.cut) co_return answer;
  }
  if (last != nullptr) answer.grpc_status = last->get("grpc-status");
  co_return answer;
}

Task<Result<Response>> run(Exchange& exchange, Setting& setting, Dialled connection,
                           h2::ClientSession::Reference& session) {
  h1::ClientRequest message = message_of(exchange, setting.text);
  if (connection.http2) {
    session = h2::ClientSession::open(setting.sessions, std::move(connection.stream),
                                      setting.session_limits, setting.home);
    auto* over =
        exchange.own<h2::ClientExchange>(exchange, *session, setting.limits, exchange.stop());
    co_return co_await over->run(message);
  }
  h1::ClientConnection plain;
  plain.stream = std::move(connection.stream);
  plain.born = exchange.loop().now();
  auto* over = exchange.own<h1::ClientExchange>(exchange, std::move(plain), setting.home,
                                                setting.limits, exchange.stop());
  co_return co_await over->run(message);
}

}  // namespace

Task<Result<LoneAnswer>> ask_once(Loop& loop, Dialled connection, FetchRequest request,
                                  std::size_t body_bytes, StopToken stop) {
  auto setting = std::make_unique<Setting>();
  setting->text = std::move(request);
  auto exchange = std::make_unique<Exchange>(loop, setting->nobody, stop);
  h2::ClientSession::Reference session;
  Result<LoneAnswer> answer = fail(ErrorCode::internal, Origin::weir);
  {
    Result<Response> response = co_await run(*exchange, *setting, std::move(connection), session);
    if (response) {
      answer = co_await collect(*response, body_bytes);
    } else {
      answer = fail(response.error());
    }
  }
  co_await exchange->finish();
  if (session) {
    // An origin that is well hears a goodbye; for another nobody waits.
    answer ? session->close() : session->stop(Error(ErrorCode::cancelled, Origin::weir));
    session = {};
    co_await setting->sessions.join();
  }
  co_return answer;
}

}  // namespace weir
