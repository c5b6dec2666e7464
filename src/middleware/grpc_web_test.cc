#include "middleware/grpc_web.h"

#include <gmock/gmock.h>

#include "core/base64.h"
#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

/// A gRPC service: one message for the request's, and the status in trailers.
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    Request& request = exchange.request();
    asked = request.headers.get(HeaderId::content_type);
    te_trailers = request.te_trailers;
    if (failure.code != ErrorCode::none) co_return fail(failure);
    std::string got;
    while (request.body != nullptr) {
      Result<Slice> piece = co_await request.body->read();
      if (!piece) co_return fail(piece.error());
      if (piece->empty()) break;
      got += piece->view();
    }
    Response response(exchange.arena());
    response.headers.add(HeaderId::content_type, answers_with);
    response.body = exchange.own<Answer>(exchange, "<" + got + ">");
    co_return response;
  }

  mutable std::string asked;
  mutable bool te_trailers = false;
  Error failure;
  std::string answers_with = "application/grpc+proto";

 private:
  class Answer final : public Body {
   public:
    Answer(Exchange& exchange, const std::string& text)
        : content_(copy_slice(text)), trailers_(exchange.arena()) {
      trailers_.add("Grpc-Status", "0");
    }
    Task<Result<Slice>> read() override { co_return std::exchange(content_, Slice()); }
    std::optional<Slice> try_read() override { return std::nullopt; }
    std::optional<std::uint64_t> length() const override { return std::nullopt; }
    const Headers* trailers() const override { return &trailers_; }

   private:
    Slice content_;
    Headers trailers_;
  };
};

struct Called {
  std::uint16_t status = 0;
  std::string type;
  std::string grpc_status;
  std::string body;
  ErrorCode error = ErrorCode::none;
};

class GrpcWebTest : public ::testing::Test {
 protected:
  Called call(std::string type, std::string body) {
    SimWorld world(1);
    SimLoop& loop = world.add_loop();
    ConnectionFacts facts{{}, "test"};
    Exchange exchange(loop, facts, {});
    exchange.request().headers.add(HeaderId::content_type, type);
    MemoryBody content(copy_slice(body));
    exchange.request().body = &content;
    Called called;
    test::run(loop, call_into(exchange, called));
    return called;
  }
  Task<void> call_into(Exchange& exchange, Called& called) {
    Result<Response> response = co_await middleware_.handle(exchange, Next({}, service_));
    if (response) {
      called.status = response->status;
      called.type = response->headers.get(HeaderId::content_type);
      called.grpc_status = response->headers.get("grpc-status");
      while (response->body != nullptr) {
        Result<Slice> piece = co_await response->body->read();
        if (!piece || piece->empty()) break;
        called.body += piece->view();
      }
    } else {
      called.error = response.error().code;
    }
    co_await exchange.finish();
  }

  Service service_;
  GrpcWebMiddleware middleware_;
};

const std::string kTrailers("\x80\0\0\0\x10grpc-status: 0\r\n", 21);

TEST_F(GrpcWebTest, makes_a_call_and_puts_the_trailers_into_the_body) {
  Called called = call("application/grpc-web+proto", "message");
  EXPECT_EQ(service_.asked, "application/grpc+proto");
  EXPECT_TRUE(service_.te_trailers);
  EXPECT_EQ(called.type, "application/grpc-web+proto");
  EXPECT_EQ(called.body, "<message>" + kTrailers);
}

TEST_F(GrpcWebTest, speaks_base64_in_the_text_variant) {
  Called called = call("application/grpc-web-text", "bWVzc2FnZQ==");
  EXPECT_EQ(service_.asked, "application/grpc");
  EXPECT_EQ(called.type, "application/grpc-web-text");
  EXPECT_EQ(called.body, std::string(base64_encode("<message>").view()) +
                             std::string(base64_encode(kTrailers).view()));
}

TEST_F(GrpcWebTest, refuses_a_body_that_is_no_base64) {
  EXPECT_EQ(call("application/grpc-web-text", "bWVzc2FnZQ").grpc_status, "13");
  EXPECT_EQ(call("application/grpc-web-text", "!").grpc_status, "13");
}

TEST_F(GrpcWebTest, tells_a_failure_as_a_status) {
  service_.failure = Error(ErrorCode::refused, Origin::upstream);
  Called called = call("application/grpc-web", "message");
  EXPECT_EQ(called.status, 200);
  EXPECT_EQ(called.type, "application/grpc-web");
  EXPECT_EQ(called.grpc_status, "14");
}

TEST_F(GrpcWebTest, leaves_other_requests_and_answers_alone) {
  EXPECT_THAT(call("application/grpc", "message").body, "<message>");
  EXPECT_EQ(service_.asked, "application/grpc");
  call("application/grpc-webby", "message");
  EXPECT_EQ(service_.asked, "application/grpc-webby");
  service_.answers_with = "text/html";
  EXPECT_EQ(call("application/grpc-web", "message").body, "<message>");
}

}  // namespace
}  // namespace weir
