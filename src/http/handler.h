// Handler and Middleware: an exchange goes in, a response comes out.
#pragma once

#include <span>

#include "core/result.h"
#include "core/task.h"
#include "http/message.h"

namespace weir {

class Exchange;

/// Answers exchanges. Built once per process and const: what it changes lives in the worker's
/// slots, in the exchange or in objects that workers share. Returns at the response head; the
/// body flows afterwards.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual Task<Result<Response>> handle(Exchange& exchange) const = 0;
};

class Middleware;

/// The rest of the chain behind a middleware. May be called more than once, also for a derived
/// exchange after the first has ended: the chain outlives both.
class Next {
 public:
  Next(std::span<const Middleware* const> rest, const Handler& handler)
      : rest_(rest), handler_(&handler) {}
  inline Task<Result<Response>> operator()(Exchange& exchange) const;

 private:
  std::span<const Middleware* const> rest_;
  const Handler* handler_;
};

/// Wraps what comes after it. One that only looks at the request is a plain function that ends in
/// `return next(exchange);` and adds no coroutine frame.
class Middleware {
 public:
  virtual ~Middleware() = default;
  virtual Task<Result<Response>> handle(Exchange& exchange, Next next) const = 0;
};

inline Task<Result<Response>> Next::operator()(Exchange& exchange) const {
  if (rest_.empty()) return handler_->handle(exchange);
  return rest_.front()->handle(exchange, Next(rest_.subspan(1), *handler_));
}

}  // namespace weir
