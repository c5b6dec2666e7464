// What the tests and fuzz targets of HTTP/2 sessions share: a service whose handler answers by the
// path. Included by tests and fuzz targets only.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/service.h"

namespace weir::h2::testing {

/// A body that gives `size` bytes of 'x', and waits before each piece if it is told to.
class MadeBody final : public Body {
 public:
  MadeBody(Loop& loop, std::size_t size, Duration pause, StopToken stop)
      : loop_(loop), left_(size), pause_(pause), stop_(stop) {}
  Task<Result<Slice>> read() override {
    if (pause_ > Duration::zero()) {
      Status slept = co_await loop_.sleep_for(pause_, stop_);
      if (!slept) co_return fail(slept.error());
    }
    co_return piece();
  }
  std::optional<Slice> try_read() override {
    if (pause_ > Duration::zero() && left_ > 0) return std::nullopt;
    return piece();
  }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  const Headers* trailers() const override { return trailers_; }
  void add_trailers(const Headers* trailers) { trailers_ = trailers; }

 private:
  Slice piece() {
    std::size_t size = std::min<std::size_t>(left_, 5000);
    left_ -= size;
    return size == 0 ? Slice() : copy_slice(std::string(size, 'x'));
  }
  Loop& loop_;
  std::size_t left_;
  Duration pause_;
  StopToken stop_;
  const Headers* trailers_ = nullptr;
};

/// Answers by the path.
class Answers final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    ++begun;
    const Request& request = exchange.request();
    seen.emplace_back(std::string(request.method_text) + " " + std::string(request.target.path));
    Response response(exchange.arena());
    std::string_view path = request.target.path;
    if (path == "/error") co_return fail(ErrorCode::refused, Origin::upstream, "test");
    if (path == "/hang") {
      Status slept = co_await exchange.loop().sleep_for(std::chrono::hours(1), exchange.stop());
      ++stopped;
      co_return fail(slept ? Error(ErrorCode::internal) : slept.error());
    }
    if (path == "/early") {  // answers without looking at the body
      response.status = 403;
      response.body = exchange.own<MemoryBody>(Slice::unowned("no"));
      co_return response;
    }
    if (path == "/empty") co_return response;
    if (path == "/none") {
      response.status = 204;
      co_return response;
    }
    if (path == "/large" || path == "/slow" || path == "/trailers") co_return made(exchange, path);
    if (path == "/interim") {
      Response hints(exchange.arena());
      hints.status = 103;
      hints.headers.add("Link", "</style.css>");
      (void)co_await exchange.interim_sink->send_interim(hints);
    }
    if (path == "/echo") {  // as it comes
      response.body = request.body;
      co_return response;
    }
    if (request.method == Method::connect || !request.upgrade.empty()) co_return tunnel(exchange);
    std::string_view content = path;
    while (request.body != nullptr) {
      Result<Slice> piece = co_await request.body->read();
      if (!piece) co_return fail(piece.error());
      if (piece->empty()) break;
      content = exchange.arena().concat({content, piece->view()});
    }
    response.body = exchange.own<MemoryBody>(Slice::unowned(content));
    co_return response;
  }

  mutable int begun = 0;
  mutable int stopped = 0;
  mutable std::vector<std::string> seen;
  std::size_t large = 300'000;
  /// Makes the other end of a tunnel.
  std::function<Response(Exchange&)> make_tunnel;

 private:
  Response made(Exchange& exchange, std::string_view path) const {
    Response response(exchange.arena());
    Duration pause = path == "/slow" ? Duration(std::chrono::milliseconds(10)) : Duration();
    auto* body = exchange.own<MadeBody>(exchange.loop(), large, pause, exchange.stop());
    if (path == "/trailers") {
      auto* trailers = exchange.arena().make<Headers>(exchange.arena());
      trailers->add("X-Sum", "42");
      body->add_trailers(trailers);
    }
    response.body = body;
    return response;
  }
  Response tunnel(Exchange& exchange) const {
    if (make_tunnel) return make_tunnel(exchange);
    Response response(exchange.arena());
    response.status = 501;
    return response;
  }
};

class TestService final : public Service {
 public:
  const SessionLimits& limits() const override { return limits_; }
  const Handler& attach(Exchange& exchange) override {
    exchange.at_end([this](Exchange& ended) {
      ++ended_;
      outcomes_.push_back(ended.outcome());
    });
    return answers_;
  }
  void detach(Exchange&) override { ++detached_; }
  void closed(const weir::Peer&) override { ++closed_; }
  SessionCounters& counters() override { return counters_; }
  bool draining() const override { return draining_; }
  const Outcome& last() const { return outcomes_.back(); }

  SessionLimits limits_;
  SessionCounters counters_;
  Answers answers_;
  std::vector<Outcome> outcomes_;
  int ended_ = 0;
  int detached_ = 0;
  int closed_ = 0;
  bool draining_ = false;
};

}  // namespace weir::h2::testing
