#include "handler/static_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "handler/static_files/file_body.h"
#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::int64_t kWritten = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::string_view kThen = "Sun, 06 Nov 1994 08:49:37 GMT";

/// A directory of its own for each test, with `public` in it as the root.
class StaticFilesTest : public ::testing::Test {
 protected:
  StaticFilesTest() {
    std::string name = "/tmp/weir-static-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(folder_ + "/public");
    config_.root.value = folder_ + "/public";
    world_.add_loop();
  }
  ~StaticFilesTest() override { std::filesystem::remove_all(folder_); }

  /// Below the root, with a date that is known.
  void write(const std::string& name, std::string_view content, std::int64_t written = kWritten) {
    std::string path = *config_.root + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
    timespec times[2] = {{written, 0}, {written, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  StaticFiles& handler() {
    if (!handler_) {
      config::Diagnostics diagnostics;
      handler_ = std::make_unique<StaticFiles>(config_, diagnostics);
      EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    }
    return *handler_;
  }
  test::Answer ask(std::string target, Fields headers = {}, std::string method = "GET") {
    return test::run(world_.loop(0), test::answer_of(world_.loop(0), handler(),
                                                     {.method = std::move(method),
                                                      .target = std::move(target),
                                                      .headers = std::move(headers)}));
  }
  void pass(Duration time) { test::run(world_.loop(0), sleep(time)); }
  Task<void> sleep(Duration time) { (void)co_await world_.loop(0).sleep_for(time); }
  std::string etag(const std::string& target) {
    std::string fields = ask(target).fields;
    std::size_t at = fields.find("ETag: ");
    return at == std::string::npos ? "" : fields.substr(at + 6, fields.find('\n', at) - at - 6);
  }

  SimWorld world_{1};
  std::string folder_;
  StaticFilesConfig config_;
  std::unique_ptr<StaticFiles> handler_;
};

TEST_F(StaticFilesTest, serves_a_file_with_what_is_known_of_it) {
  write("a/page.html", "<p>hello");
  test::Answer page = ask("/a/page.html");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "<p>hello");
  EXPECT_THAT(page.fields, HasSubstr("Content-Type: text/html; charset=utf-8\n"));
  EXPECT_THAT(page.fields, HasSubstr("Last-Modified: " + std::string(kThen) + "\n"));
  EXPECT_THAT(page.fields, HasSubstr("Accept-Ranges: bytes\n"));
  EXPECT_THAT(page.fields, HasSubstr("ETag: \"ae1b981bc490a00-8\"\n"));
  EXPECT_THAT(page.fields, Not(HasSubstr("Vary")));
}

/// Keeps the entity tag as an access log would: of the response, at the end of the exchange.
class Logged final : public Handler {
 public:
  Logged(const Handler& handler, std::string& line) : handler_(handler), line_(line) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    auto* etag = exchange.arena().make<std::string_view>();
    exchange.at_end([this, etag](Exchange&) { line_ = *etag; });
    Result<Response> response = co_await handler_.handle(exchange);
    *etag = response->headers.get(HeaderId::etag);
    exchange.loop().slots().clear();  // no file is kept open any more
    co_return response;
  }

 private:
  const Handler& handler_;
  std::string& line_;
};

TEST_F(StaticFilesTest, what_a_log_says_of_a_file_may_outlive_it) {
  write("a.txt", "hello");
  std::string expected = etag("/a.txt"), line;
  Logged logged(handler(), line);
  test::Answer page =
      test::run(world_.loop(0), test::answer_of(world_.loop(0), logged, {.target = "/a.txt"}));
  EXPECT_EQ(page.body, "hello");
  EXPECT_EQ(line, expected);
}

TEST_F(StaticFilesTest, serves_large_files_and_empty_ones) {
  std::string large = test::pattern(3'000'000, 1);
  write("large.bin", large);
  write("empty.txt", "");
  EXPECT_TRUE(ask("/large.bin").body == large);
  EXPECT_EQ(ask("/empty.txt").status, 200);
  EXPECT_EQ(ask("/empty.txt").body, "");
}

TEST_F(StaticFilesTest, names_are_decoded) {
  write("a b/\xc3\xa4%41.txt", "yes");
  EXPECT_EQ(ask("/a%20b/%C3%A4%2541.txt").body, "yes");
  EXPECT_EQ(ask("/a%20b/%C3%A4A.txt").error.code, ErrorCode::not_found);
}

TEST_F(StaticFilesTest, what_is_missing_is_not_found) {
  write("a.txt", "a");
  for (std::string target : {"/b.txt", "/a.txt/", "/a.txt/b", "/b/", "/"}) {
    EXPECT_EQ(ask(target).error.code, ErrorCode::not_found) << target;
  }
  EXPECT_EQ(ask("/" + std::string(3000, 'x')).error.code, ErrorCode::not_found);
}

TEST_F(StaticFilesTest, only_reading_is_allowed) {
  write("a.txt", "a");
  for (std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    test::Answer refused = ask("/a.txt", {}, method);
    EXPECT_EQ(refused.status, 405) << method;
    EXPECT_THAT(refused.fields, HasSubstr("Allow: GET, HEAD\n"));
  }
  EXPECT_EQ(ask("/a.txt", {}, "HEAD").status, 200);
}

TEST_F(StaticFilesTest, a_directory_has_a_slash_and_an_index) {
  config_.index = {"index.html", "index.txt"};
  write("docs/index.txt", "text");
  test::Answer there = ask("/docs?x=1");
  EXPECT_EQ(there.status, 308);
  EXPECT_THAT(there.fields, HasSubstr("Location: /docs/?x=1\n"));
  EXPECT_EQ(ask("/docs/").body, "text");
  write("docs/index.html", "html");
  EXPECT_EQ(ask("/docs/").body, "html");
}

TEST_F(StaticFilesTest, the_fallback_answers_for_pages_not_for_assets) {
  config_.fallback = "/index.html";
  write("index.html", "app");
  EXPECT_EQ(ask("/users/7").body, "app");
  EXPECT_EQ(ask("/users/").body, "app");
  EXPECT_EQ(ask("/assets/gone.js").error.code, ErrorCode::not_found);
  EXPECT_EQ(ask("/users/john.doe", {{"Accept", "text/html,*/*;q=0.8"}}).body, "app");
}

TEST_F(StaticFilesTest, a_prefix_is_stripped_at_the_end_of_a_segment) {
  config_.strip_prefix = "/static/";
  write("a.txt", "a");
  write("s/a.txt", "wrong");
  EXPECT_EQ(ask("/static/a.txt").body, "a");
  EXPECT_EQ(ask("/a.txt").error.code, ErrorCode::not_found);
  EXPECT_EQ(ask("/statics/a.txt").error.code, ErrorCode::not_found);
  EXPECT_EQ(ask("/static").error.code, ErrorCode::not_found);  // the root, which has no index
}

// --- what must not be reached ------------------------------------------------------------------

TEST_F(StaticFilesTest, attack_40_nothing_outside_of_the_root_is_reached) {
  std::ofstream(folder_ + "/secret.txt") << "secret";
  write("sub/a.txt", "a");
  std::filesystem::create_symlink("../secret.txt", *config_.root + "/out.txt");
  std::filesystem::create_symlink(folder_ + "/secret.txt", *config_.root + "/absolute.txt");
  std::filesystem::create_symlink("../..", *config_.root + "/sub/up");
  for (std::string target :
       {"/out.txt", "/absolute.txt", "/sub/up/secret.txt", "/%2e%2e/secret.txt"}) {
    Arena arena;
    if (!parse_target(target, TargetRule::ordinary, arena)) continue;  // refused before
    EXPECT_EQ(ask(target).error.code, ErrorCode::not_found) << target;
  }
}

TEST_F(StaticFilesTest, attack_40_links_below_the_root_go_by_policy) {
  write("a.txt", "a");
  write(".env", "secret");
  std::filesystem::create_symlink("a.txt", *config_.root + "/link.txt");
  std::filesystem::create_symlink(".env", *config_.root + "/harmless.txt");
  std::filesystem::create_symlink("../secret.txt", *config_.root + "/out.txt");
  std::ofstream(folder_ + "/secret.txt") << "shared";
  EXPECT_EQ(ask("/link.txt").body, "a");
  EXPECT_EQ(ask("/harmless.txt").error.code, ErrorCode::not_found) << "its name is hidden";
  handler_.reset();
  config_.symlinks = Symlinks::refuse;
  EXPECT_EQ(ask("/link.txt").error.code, ErrorCode::not_found);
  EXPECT_EQ(ask("/a.txt").body, "a");
  handler_.reset();
  config_.symlinks = Symlinks::follow;
  EXPECT_EQ(ask("/out.txt").body, "shared");
  EXPECT_EQ(ask("/harmless.txt").error.code, ErrorCode::not_found);
}

TEST_F(StaticFilesTest, attack_40_hidden_names_are_not_served) {
  for (std::string name : {".env", ".git/config", "a/.htaccess", ".well-known/.secret"}) {
    write(name, "secret");
    EXPECT_EQ(ask("/" + name).error.code, ErrorCode::not_found) << name;
  }
  EXPECT_EQ(ask("/%2eenv").error.code, ErrorCode::not_found);
  write(".well-known/acme-challenge/token", "token");
  EXPECT_EQ(ask("/.well-known/acme-challenge/token").body, "token");
  handler_.reset();
  config_.hidden = true;
  EXPECT_EQ(ask("/.env").body, "secret");
}

TEST_F(StaticFilesTest, attack_40_what_is_no_file_is_not_opened) {
  ASSERT_EQ(::mkfifo((*config_.root + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(ask("/fifo").error.code, ErrorCode::not_found);
}

TEST(StaticFiles, a_root_that_does_not_exist_is_refused) {
  StaticFilesConfig config;
  config.root.value = "/nonexistent/weir";
  config::Diagnostics diagnostics;
  StaticFiles files(config, diagnostics);
  EXPECT_THAT(diagnostics.render(), HasSubstr("No such file or directory"));
}

// --- conditions and ranges ---------------------------------------------------------------------

TEST_F(StaticFilesTest, a_client_that_has_the_file_is_told_so) {
  config_.cache_control.entries = {{"*.txt", {}, "max-age=60"}};
  write("a.txt", "a");
  test::Answer same = ask("/a.txt", {{"If-None-Match", etag("/a.txt")}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.fields, "ETag: " + etag("/a.txt") + "\nCache-Control: max-age=60\n");
  EXPECT_EQ(ask("/a.txt", {{"If-Modified-Since", std::string(kThen)}}).status, 304);
  EXPECT_EQ(ask("/a.txt", {{"If-Match", "\"other\""}}).status, 412);
  EXPECT_EQ(ask("/a.txt", {{"If-None-Match", "\"other\""}}).status, 200);
}

TEST_F(StaticFilesTest, a_time_to_come_is_not_told) {
  write("a.txt", "a", 4'000'000'000);
  EXPECT_THAT(ask("/a.txt").fields, Not(HasSubstr("Last-Modified")));
}

TEST_F(StaticFilesTest, parts_of_a_file_are_sent) {
  write("small.txt", "0123456789");
  std::string large = test::pattern(200'000, 2);
  write("large.bin", large);
  test::Answer part = ask("/small.txt", {{"Range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_THAT(part.fields, HasSubstr("Content-Range: bytes 2-4/10\n"));
  EXPECT_TRUE(ask("/large.bin", {{"Range", "bytes=-100000"}}).body == large.substr(100'000));
  EXPECT_EQ(ask("/small.txt", {{"Range", "bytes=2-4"}}, "HEAD").status, 200);
  EXPECT_EQ(ask("/small.txt", {{"Range", "bytes=2-4"}, {"If-Range", etag("/small.txt")}}).status,
            206);
  EXPECT_EQ(ask("/small.txt", {{"Range", "bytes=2-4"}, {"If-Range", "\"old\""}}).body,
            "0123456789");
  test::Answer outside = ask("/small.txt", {{"Range", "bytes=10-"}});
  EXPECT_EQ(outside.status, 416);
  EXPECT_THAT(outside.fields, HasSubstr("Content-Range: bytes */10\n"));
}

TEST_F(StaticFilesTest, several_parts_are_a_multipart_message) {
  write("a.txt", "0123456789");
  test::Answer parts = ask("/a.txt", {{"Range", "bytes=7-,0-1"}});
  EXPECT_EQ(parts.status, 206);
  std::size_t at = parts.fields.find("boundary=") + 9;
  std::string boundary = parts.fields.substr(at, parts.fields.find('\n', at) - at);
  EXPECT_THAT(parts.fields, StartsWith("Content-Type: multipart/byteranges; boundary="));
  EXPECT_THAT(parts.fields, Not(HasSubstr("Content-Range")));
  std::string type = "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ";
  EXPECT_EQ(parts.body, "--" + boundary + type + "7-9/10\r\n\r\n789\r\n--" + boundary + type +
                            "0-1/10\r\n\r\n01\r\n--" + boundary + "--\r\n");
}

// --- variants and headers ----------------------------------------------------------------------

TEST_F(StaticFilesTest, a_compressed_file_beside_it_is_sent_to_those_who_take_it) {
  config_.precompressed = {Precompressed::br, Precompressed::gzip};
  write("a.js", "plain");
  write("a.js.br", "BR");
  write("a.js.gz", "GZIP");
  test::Answer best = ask("/a.js", {{"Accept-Encoding", "gzip, br"}});
  EXPECT_EQ(best.body, "BR");
  EXPECT_THAT(best.fields, HasSubstr("Content-Encoding: br\n"));
  EXPECT_THAT(best.fields, HasSubstr("Content-Type: text/javascript; charset=utf-8\n"));
  EXPECT_THAT(best.fields, HasSubstr("Vary: Accept-Encoding\n"));
  EXPECT_THAT(best.fields, HasSubstr("-br\"\n"));
  EXPECT_EQ(ask("/a.js", {{"Accept-Encoding", "br;q=0.1, gzip"}}).body, "GZIP");
  test::Answer plain = ask("/a.js");
  EXPECT_EQ(plain.body, "plain");
  EXPECT_THAT(plain.fields, HasSubstr("Vary: Accept-Encoding\n"));
  EXPECT_EQ(ask("/a.js", {{"Accept-Encoding", "gzip"}, {"Range", "bytes=1-2"}}).body, "ZI");
}

TEST_F(StaticFilesTest, a_compressed_file_that_is_older_is_of_another_content) {
  config_.precompressed = {Precompressed::gzip};
  write("a.js", "new", kWritten + 1);
  write("a.js.gz", "OLD");
  EXPECT_EQ(ask("/a.js", {{"Accept-Encoding", "gzip"}}).body, "new");
}

TEST_F(StaticFilesTest, types_and_cache_headers_go_by_name) {
  config_.types.entries = {{".md", {}, "text/plain"}};
  config_.cache_control.entries = {{"/assets/*", {}, "immutable"}, {"*.html", {}, "no-cache"}};
  write("assets/a.html", "");
  write("b.html", "");
  write("c.MD", "");
  write("noending", "");
  EXPECT_THAT(ask("/assets/a.html").fields, HasSubstr("Cache-Control: immutable\n"));
  EXPECT_THAT(ask("/b.html").fields, HasSubstr("Cache-Control: no-cache\n"));
  EXPECT_THAT(ask("/c.MD").fields, HasSubstr("Content-Type: text/plain\n"));
  EXPECT_THAT(ask("/c.MD").fields, Not(HasSubstr("Cache-Control")));
  EXPECT_THAT(ask("/noending").fields, HasSubstr("Content-Type: application/octet-stream\n"));
}

// --- listing -----------------------------------------------------------------------------------

TEST_F(StaticFilesTest, a_directory_is_shown_only_where_asked_for) {
  write("docs/a.txt", "12345");
  EXPECT_EQ(ask("/docs/").error.code, ErrorCode::not_found);
  handler_.reset();
  config_.listing = true;
  write("docs/.hidden", "");
  write("docs/sub/x", "");
  std::filesystem::create_symlink("/etc/passwd", *config_.root + "/docs/passwd");
  test::Answer json = ask("/docs/");
  EXPECT_THAT(json.fields, HasSubstr("Content-Type: application/json\n"));
  EXPECT_THAT(json.body, StartsWith("{\"files\":[{\"name\":\"sub\",\"type\":\"directory\""));
  EXPECT_THAT(json.body, HasSubstr("{\"name\":\"a.txt\",\"type\":\"file\",\"size\":5,\"modified\":"
                                   "784111777}]"));
  EXPECT_THAT(json.body, EndsWith(",\"complete\":true}\n"));
  test::Answer page = ask("/docs/", {{"Accept", "text/html"}});
  EXPECT_THAT(page.body, HasSubstr("<a href=\"./sub/\">sub/</a>"));
  EXPECT_THAT(page.body, Not(HasSubstr("hidden")));
  EXPECT_THAT(page.body, Not(HasSubstr("passwd")));
}

TEST_F(StaticFilesTest, names_in_a_listing_are_only_names) {
  config_.listing = true;
  write("javascript:alert(1)", "");
  write("\"><script>.txt", "");
  write("bad\xff.txt", "");
  std::string page = ask("/", {{"Accept", "text/html"}}).body;
  EXPECT_THAT(page, HasSubstr("href=\"./javascript%3Aalert%281%29\""));
  EXPECT_THAT(page, HasSubstr("href=\"./%22%3E%3Cscript%3E.txt\">&quot;&gt;&lt;script&gt;.txt<"));
  EXPECT_THAT(ask("/").body, HasSubstr("bad\xef\xbf\xbd.txt"));
}

// --- changes -----------------------------------------------------------------------------------

TEST_F(StaticFilesTest, a_file_that_was_replaced_is_noticed_soon) {
  write("a.txt", "old");
  EXPECT_EQ(ask("/a.txt").body, "old");
  std::filesystem::remove(*config_.root + "/a.txt");
  write("a.txt", "new", kWritten + 1);
  EXPECT_EQ(ask("/a.txt").body, "old") << "within the time of grace";
  pass(std::chrono::seconds(1));
  EXPECT_EQ(ask("/a.txt").body, "new");
  std::filesystem::remove(*config_.root + "/a.txt");
  pass(std::chrono::seconds(1));
  EXPECT_EQ(ask("/a.txt").error.code, ErrorCode::not_found);
}

TEST_F(StaticFilesTest, a_large_file_that_was_written_to_is_noticed_at_once) {
  write("a.bin", std::string(100'000, 'a'));
  std::string before = etag("/a.bin");
  EXPECT_EQ(etag("/a.bin"), before);
  write("a.bin", std::string(100'000, 'b'), kWritten + 1);
  EXPECT_NE(etag("/a.bin"), before);
  EXPECT_EQ(ask("/a.bin").body, std::string(100'000, 'b'));
}

TEST_F(StaticFilesTest, a_root_that_is_a_link_may_be_turned_to_another_release) {
  std::filesystem::create_directories(folder_ + "/one");
  std::filesystem::create_directories(folder_ + "/two");
  std::ofstream(folder_ + "/one/a.txt") << "one";
  std::ofstream(folder_ + "/two/a.txt") << "two";
  std::filesystem::create_directory_symlink("one", folder_ + "/current");
  config_.root.value = folder_ + "/current";
  EXPECT_EQ(ask("/a.txt").body, "one");
  std::filesystem::create_directory_symlink("two", folder_ + "/fresh");
  std::filesystem::rename(folder_ + "/fresh", folder_ + "/current");
  pass(std::chrono::seconds(1));
  EXPECT_EQ(ask("/a.txt").body, "two");
}

TEST_F(StaticFilesTest, a_file_that_becomes_shorter_breaks_the_response_off) {
  write("a.bin", std::string(1'000'000, 'a'));
  auto found = Root::open(*config_.root)->find("a.bin", Symlinks::refuse, false);
  OpenFileRef file = OpenFile::make(std::move(*found), Coding::identity);
  FilePart part{"", 0, file->size()};
  FileBody body(world_.loop(0), file, {&part, 1});
  ASSERT_EQ(body.try_read()->size(), 256u * 1024);
  ASSERT_EQ(::truncate((*config_.root + "/a.bin").c_str(), 1000), 0);
  EXPECT_FALSE(body.try_read());
  Result<Slice> rest = test::run(world_.loop(0), body.read());
  ASSERT_FALSE(rest);
  EXPECT_EQ(rest.error().code, ErrorCode::truncated);
}

TEST_F(StaticFilesTest, a_reader_who_does_not_look_gets_the_file_itself) {
  write("a.bin", std::string(1'000'000, 'a'));
  auto found = Root::open(*config_.root)->find("a.bin", Symlinks::refuse, false);
  OpenFileRef file = OpenFile::make(std::move(*found), Coding::identity);
  FilePart part{"head", 10, 999'000};
  FileBody body(world_.loop(0), file, {&part, 1});
  body.let_pass();
  EXPECT_EQ(body.length(), 999'004u);
  EXPECT_EQ(body.try_read()->view(), "head");
  std::optional<Slice> range = body.try_read();
  EXPECT_EQ(range->kind(), Slice::Kind::file);
  EXPECT_EQ(range->offset(), 10u);
  EXPECT_EQ(range->size(), 999'000u);
  EXPECT_TRUE(body.try_read()->empty());
}

class OpenFilesTest : public StaticFilesTest {
 protected:
  OpenFiles& open() {
    if (!open_) {
      open_ = std::make_unique<OpenFiles>(world_.loop(0),
                                          std::make_shared<const StaticFilesConfig>(config_));
    }
    return *open_;
  }
  std::unique_ptr<OpenFiles> open_;
};

TEST_F(OpenFilesTest, are_at_most_so_many) {
  config_.open_files.files = 3;
  for (std::string name : {"a", "b", "c", "d"}) write(name, name);
  for (std::string name : {"a", "b", "c"}) ASSERT_TRUE(open().find(name));
  EXPECT_EQ(open().files(), 3u);
  OpenFile* a = open().find("a")->get();
  ASSERT_TRUE(open().find("d"));
  EXPECT_EQ(open().files(), 3u);
  EXPECT_EQ(open().find("a")->get(), a) << "b was not asked for longest";
}

TEST_F(OpenFilesTest, take_at_most_so_much_memory) {
  config_.open_files.memory.bytes = 50'000;
  for (std::string name : {"a", "b", "c"}) write(name, std::string(20'000, 'x'));
  for (std::string name : {"a", "b", "c"}) {
    ASSERT_TRUE(open().find(name));
    EXPECT_LE(open().memory(), 50'000u);
  }
  EXPECT_EQ(open().files(), 2u);
  write("d", std::string(32'768, 'x'));
  write("e", std::string(32'769, 'x'));
  EXPECT_TRUE((*open().find("d"))->in_memory());
  EXPECT_FALSE((*open().find("e"))->in_memory());
}

TEST_F(OpenFilesTest, are_closed_when_nobody_asks_for_them) {
  write("a", "a");
  ASSERT_TRUE(open().find("a"));
  pass(OpenFiles::kIdle / 2);
  EXPECT_EQ(open().files(), 1u);
  pass(2 * OpenFiles::kIdle);
  EXPECT_EQ(open().files(), 0u);
  EXPECT_EQ(open().memory(), 0u);
}

}  // namespace
}  // namespace weir
