#include "middleware/error_pages.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Fields = std::vector<std::pair<std::string, std::string>>;

/// Fails, or answers with a status.
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    exchange.at_end([this](Exchange& ended) { reason = ended.outcome().error.code; });
    if (failure.code != ErrorCode::none) co_return fail(failure);
    Response response(exchange.arena());
    response.status = status;
    for (const auto& [name, value] : fields) response.headers.add(name, value);
    response.body = exchange.own<MemoryBody>(Slice::unowned("the origin's own"));
    co_return response;
  }

  Error failure;
  std::uint16_t status = 200;
  Fields fields;
  mutable ErrorCode reason = ErrorCode::none;
};

class Wrapped final : public Handler {
 public:
  Wrapped(const Middleware& middleware, const Handler& handler)
      : middleware_(middleware), handler_(handler) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return middleware_.handle(exchange, Next({}, handler_));
  }

 private:
  const Middleware& middleware_;
  const Handler& handler_;
};

class ErrorPagesTest : public ::testing::Test {
 protected:
  ErrorPagesTest() {
    std::string name = "/tmp/weir-pages-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    page("404", "<h1>lost: ${path} ${status} ${reason}");
    page("5xx", "<h1>sorry ${request_id}");
  }
  ~ErrorPagesTest() override { std::filesystem::remove_all(folder_); }

  void page(std::string key, std::string_view text) {
    config::Located<std::string> file;
    file.value = folder_ + "/" + key + ".html";
    std::ofstream(*file) << text;
    config_.pages.entries.push_back({std::move(key), {}, std::move(file)});
  }
  test::Answer ask(Fields headers = {{"Accept", "text/html,*/*"}}, std::string target = "/x") {
    config::Diagnostics diagnostics;
    ErrorPagesMiddleware pages(config_, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    Wrapped wrapped(pages, service_);
    return test::run(loop_,
                     test::answer_of(loop_, wrapped,
                                     {.target = std::move(target), .headers = std::move(headers)}));
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  std::string folder_;
  ErrorPagesConfig config_;
  Service service_;
};

TEST_F(ErrorPagesTest, show_people_a_page_of_the_same_status_and_keep_the_reason) {
  service_.failure = Error(ErrorCode::not_found);
  test::Answer answer = ask();
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "<h1>lost: /x 404 not_found");
  EXPECT_THAT(answer.fields, HasSubstr("Content-Type: text/html; charset=utf-8\n"));
  EXPECT_THAT(answer.fields, HasSubstr("Cache-Control: no-store\n"));
  EXPECT_EQ(service_.reason, ErrorCode::not_found);
}

TEST_F(ErrorPagesTest, go_by_status_and_then_by_class) {
  service_.failure = Error(ErrorCode::refused, Origin::upstream);
  test::Answer answer = ask();
  EXPECT_EQ(answer.status, 502);
  EXPECT_THAT(answer.body, HasSubstr("<h1>sorry "));
  service_.failure = Error(ErrorCode::parse, Origin::client);
  EXPECT_EQ(ask().error.code, ErrorCode::parse);  // 400 has no page
  page("4xx", "all others");
  EXPECT_EQ(ask().body, "all others");
  service_.failure = Error(ErrorCode::not_found);
  EXPECT_THAT(ask().body, HasSubstr("lost"));
}

TEST_F(ErrorPagesTest, say_when_to_come_back_as_without_them) {
  service_.failure = Error(ErrorCode::overloaded);
  EXPECT_THAT(ask().fields, HasSubstr("Retry-After: "));
}

TEST_F(ErrorPagesTest, leave_programs_their_json) {
  service_.failure = Error(ErrorCode::not_found);
  for (const Fields& headers :
       {Fields{}, Fields{{"Accept", "application/json"}}, Fields{{"Accept", "*/*"}}}) {
    EXPECT_EQ(ask(headers).error.code, ErrorCode::not_found);  // the session makes it
  }
}

TEST_F(ErrorPagesTest, leave_calls_of_grpc_alone) {
  service_.failure = Error(ErrorCode::refused, Origin::upstream);
  config_.intercept = true;
  Fields headers{{"Accept", "text/html"}, {"Content-Type", "application/grpc"}};
  EXPECT_EQ(ask(headers).error.code, ErrorCode::refused);
  service_.failure = {};
  service_.status = 503;
  EXPECT_EQ(ask(headers).body, "the origin's own");
}

TEST_F(ErrorPagesTest, leave_the_answers_of_origins_alone_unless_told_to) {
  service_.status = 404;
  EXPECT_EQ(ask().body, "the origin's own");
}

TEST_F(ErrorPagesTest, intercept_the_errors_of_origins) {
  config_.intercept = true;
  service_.status = 404;
  service_.fields = {{"Content-Type", "text/plain"},
                     {"Content-Encoding", "gzip"},
                     {"ETag", "\"a\""},
                     {"Set-Cookie", "a=1"},
                     {"Set-Cookie", "b=2"},
                     {"Cache-Control", "max-age=60"},
                     {"Content-Language", "de"},
                     {"X-A", "1"}};
  test::Answer answer = ask();
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("<h1>lost: /x 404"));
  EXPECT_EQ(answer.fields,
            "Set-Cookie: a=1\nSet-Cookie: b=2\nX-A: 1\n"
            "Content-Type: text/html; charset=utf-8\nCache-Control: no-store\n");
  answer = ask({});
  EXPECT_THAT(answer.body, HasSubstr("\"code\": \"origin\""));
  EXPECT_THAT(answer.fields, HasSubstr("application/json"));
  service_.status = 503;
  service_.fields = {{"Retry-After", "77"}};
  EXPECT_THAT(ask().fields, HasSubstr("Retry-After: 77\n"));
  for (std::uint16_t other : {200, 204, 302, 400}) {
    service_.status = other;
    EXPECT_EQ(ask().body, "the origin's own") << other;
  }
}

TEST_F(ErrorPagesTest, never_show_what_the_client_sent_as_markup) {
  service_.failure = Error(ErrorCode::not_found);
  page("403", "");
  config_.pages.entries.clear();
  page("404", "${query.q} ${header.x}");
  EXPECT_EQ(ask({{"Accept", "text/html"}, {"X", "<b>"}}, "/?q=%3Cscript%3E").body,
            "&lt;script&gt; &lt;b&gt;");
}

TEST_F(ErrorPagesTest, must_be_there_and_be_pages) {
  page("403", "${nothing}");
  config_.pages.entries.push_back({"500", {}, {}});
  config_.pages.entries.back().value.value = folder_ + "/none.html";
  config::Diagnostics diagnostics;
  ErrorPagesMiddleware pages(config_, diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 2u);
  for (std::string_view bad : {"200", "4x", "600", "399", "", "5xxx", "abc", "4XX"}) {
    EXPECT_TRUE(check_error_status(bad)) << bad;
  }
  for (std::string_view good : {"400", "599", "4xx", "5xx"}) {
    EXPECT_FALSE(check_error_status(good)) << good;
  }
}

}  // namespace
}  // namespace weir
