// Test support: one middleware around one handler, and bodies that come in pieces. Included by
// tests only.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "http/exchange.h"
#include "http/handler.h"

namespace weir::test {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Pieces that are there; an empty text stands for a pause.
class PiecesBody final : public Body {
 public:
  explicit PiecesBody(std::deque<std::string> pieces) : pieces_(std::move(pieces)) {}
  Task<Result<Slice>> read() override {
    while (!pieces_.empty() && pieces_.front().empty()) pieces_.pop_front();
    co_return next();
  }
  std::optional<Slice> try_read() override {
    if (!pieces_.empty() && pieces_.front().empty()) return std::nullopt;
    return next();
  }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }

 private:
  Slice next() {
    if (pieces_.empty()) return {};
    Slice piece = copy_slice(pieces_.front());
    pieces_.pop_front();
    return piece;
  }
  std::deque<std::string> pieces_;
};

/// The middleware around a handler, as a handler. The request has a body if `pieces` has any;
/// `known` is one whose length is known.
class Chain final : public Handler {
 public:
  Chain(const Middleware& middleware, const Handler& handler)
      : middleware_(middleware), handler_(handler) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    if (known) {
      exchange.request().body = exchange.own<MemoryBody>(copy_slice(*known));
    } else if (!pieces.empty()) {
      exchange.request().body = exchange.own<PiecesBody>(pieces);
    }
    exchange.interim_sink = interim_sink;
    return middleware_.handle(exchange, Next({}, handler_));
  }

  std::deque<std::string> pieces;
  std::optional<std::string> known;
  InterimSink* interim_sink = nullptr;

 private:
  const Middleware& middleware_;
  const Handler& handler_;
};

/// Answers with what it is told.
class Page final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    Response response(exchange.arena());
    response.status = status;
    for (const auto& [name, value] : fields) response.headers.add(name, value);
    if (exchange.request().method == Method::head) {
      response.announced_length = content.size();
    } else if (!pieces.empty()) {
      response.body = exchange.own<PiecesBody>(pieces);
    } else {
      response.body = exchange.own<MemoryBody>(copy_slice(content));
    }
    co_return response;
  }
  std::uint16_t status = 200;
  Fields fields{{"Content-Type", "text/html"}, {"ETag", "\"v1\""}, {"Accept-Ranges", "bytes"}};
  std::string content = std::string(5000, 'a');
  std::deque<std::string> pieces;
};

/// Answers with the body of the request.
class Echo final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    ++asked;
    Response response(exchange.arena());
    Body* body = exchange.request().body;
    if (body != nullptr) {
      length = body->length();
      std::string all;
      while (true) {
        Result<Slice> piece = co_await body->read();
        if (!piece) co_return fail(piece.error());
        if (piece->empty()) break;
        all += piece->view();
      }
      response.body = exchange.own<MemoryBody>(copy_slice(all));
    }
    co_return response;
  }
  mutable int asked = 0;
  mutable std::optional<std::uint64_t> length;
};

}  // namespace weir::test
