#include "upstream/fetch.h"

#include "cluster/config.h"
#include "http/h1/scripted_origin.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using namespace test;

class FetchTest : public ::testing::Test {
 protected:
  FetchTest() : world_(1), loop_(world_.add_loop("10.0.0.1")) {
    options_.exchange = {{}, {}, 60s, 60s};
    options_.pool.max_idle = 0;
  }
  ~FetchTest() override {
    run(loop_, forget(loop_, *cluster_));
    world_.stop_tasks();
    world_.run();
    origin_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }
  static Task<void> forget(Loop& loop, const Cluster& cluster) {
    loop.slots().erase(cluster.worker_key());
    co_return;
  }

  Result<Fetched> fetch_from(Script script, FetchRequest request = {"a.example", "/x"}) {
    origin_ = std::make_unique<ScriptedOrigin>(world_, "10.0.0.9:80", std::vector<Script>{script});
    cluster_->update("", {{origin_->address(), 1}});
    Upstream upstream(cluster_, options_);
    return run(loop_, fetch(loop_, upstream, std::move(request), limits_));
  }

  SimWorld world_;
  SimLoop& loop_;
  std::shared_ptr<Cluster> cluster_ = std::make_shared<Cluster>("fetched");
  std::unique_ptr<ScriptedOrigin> origin_;
  UpstreamOptions options_;
  FetchLimits limits_;
};

TEST_F(FetchTest, gives_status_and_body_whatever_their_framing) {
  auto plain = fetch_from(answers("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->status, 404);
  EXPECT_EQ(plain->body, "nope");
}

TEST_F(FetchTest, posts_a_body) {
  auto got =
      fetch_from({read_head(), read_bytes(3),
                  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
                  listen_on()},
                 {"a.example", "/ask", "application/x", "abc"});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->body, "ab");
}

TEST_F(FetchTest, takes_no_more_than_the_limit) {
  limits_.body_bytes = 4;
  EXPECT_TRUE(fetch_from(answers("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour")));
  auto large = fetch_from(answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfives"));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::body_too_large);
}

TEST_F(FetchTest, ends_in_time_when_the_answer_trickles) {
  Script script{read_head(), say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")};
  for (int i = 0; i < 9; ++i) {
    script.push_back(pause(4s));
    script.push_back(say("x"));
  }
  TimePoint before = loop_.now();
  EXPECT_FALSE(fetch_from(script));
  EXPECT_LE(loop_.now() - before, 16s);
}

}  // namespace
}  // namespace weir
