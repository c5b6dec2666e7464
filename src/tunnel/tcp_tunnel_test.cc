#include "tunnel/tcp_tunnel.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "io/epoll_loop.h"
#include "io/testing.h"
#include "io/uring_loop.h"
#include "tunnel/tcp_session.h"

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

namespace weir {
namespace {

std::size_t heap_bytes() {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
  return __sanitizer_get_current_allocated_bytes();
#else
  return mallinfo2().uordblks;
#endif
}

struct Host final : TcpHost {
  Scope& scope() override { return children; }
  void tunnel_began(TcpTunnel& tunnel) override {
    tunnels.append(static_cast<TunnelLink&>(tunnel));
  }
  void tunnel_ended(TcpTunnel&) override {}
  void ended(const TunnelRecord& record) override {
    ++ends;
    last = record;
    upstream = record.upstream;
    last.upstream = upstream;
  }

  Scope children;
  Link tunnels;
  std::size_t ends = 0;
  TunnelRecord last;
  std::string upstream;
};

/// Tunnels between sockets that the test holds the other ends of.
class TcpTunnelTest : public testing::TestWithParam<std::string_view> {
 public:
  static constexpr std::size_t kCount = 200;

  void SetUp() override {
    auto loop = GetParam() == "epoll" ? make_epoll_loop(0, 1) : make_uring_loop(0, 1);
    if (!loop) GTEST_SKIP() << "the kernel has no " << GetParam();
    loop_ = std::move(*loop);
    upstream_.cluster = std::make_shared<Cluster>("db");
    upstream_.cluster->update("", {{*Address::parse("10.0.0.1:1")}});
  }
  void TearDown() override {
    close_ends();
    if (loop_) test::run(*loop_, gone());
  }

  Task<void> gone() { co_await host_.children.join(); }

  std::unique_ptr<Stream> half(std::vector<int>& ends) {
    std::array<int, 2> pair;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    ends.push_back(pair[1]);
    return std::move(loop_->adopt(pair[0]).value());
  }

  void begin(std::uint32_t attempts = 1, Duration idle = std::chrono::hours(1)) {
    TcpTunnel::Opened opened;
    opened.stream = half(clients_);
    opened.to.lease = EndpointLease(upstream_, upstream_.cluster->endpoints()->endpoints[0], {});
    opened.to.stream = half(endpoints_);
    opened.idle = idle;
    opened.began = loop_->now();
    opened.notes.attempts = attempts;
    TcpTunnel::begin(std::move(opened), host_);
  }

  /// Each client says something and hears it from the endpoint, which says it back.
  Task<void> talk() {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      co_await pass(clients_[i], endpoints_[i]);
      co_await pass(endpoints_[i], clients_[i]);
    }
  }
  Task<void> pass(int from, int to) {
    EXPECT_EQ(::send(from, "hello", 5, MSG_NOSIGNAL), 5);
    std::array<char, 8> bytes;
    Status ready = co_await loop_->wait_ready(to, false);
    EXPECT_TRUE(ready);
    EXPECT_EQ(::recv(to, bytes.data(), bytes.size(), 0), 5);
    co_await loop_->sleep_for(std::chrono::milliseconds(1));  // what was sent is told of as sent
  }

  void close_ends() {
    for (std::vector<int>* each : {&clients_, &endpoints_}) {
      for (int end : *each) ::close(end);
      each->clear();
    }
  }

  std::unique_ptr<Loop> loop_;
  TunnelUpstream upstream_;
  Host host_;
  std::vector<int> clients_;
  std::vector<int> endpoints_;
};

// Three blocks of the heap, each of which costs up to 16 bytes more than what is asked for.
TEST_P(TcpTunnelTest, that_is_silent_takes_at_most_512_bytes_even_after_a_talk) {
  clients_.reserve(kCount);
  endpoints_.reserve(kCount);
  for (int round = 0; round < 2; ++round) {  // brings what the loop has once
    for (std::size_t i = 0; i < kCount; ++i) begin();
    test::run(*loop_, talk());
    close_ends();
    test::run(*loop_, gone());
  }
  std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < kCount; ++i) begin();
  std::size_t new_ones = (heap_bytes() - before) / kCount;
  test::run(*loop_, talk());
  std::size_t after_a_talk = (heap_bytes() - before) / kCount;
  std::printf("an idle tunnel takes %zu bytes, %zu after a talk\n", new_ones, after_a_talk);
  EXPECT_LE(new_ones, 512u - 3 * 16);
  EXPECT_LE(after_a_talk, 512u - 3 * 16);
}

TEST_P(TcpTunnelTest, tells_of_itself_when_both_sides_have_ended) {
  begin(3);
  test::run(*loop_, talk());
  close_ends();
  test::run(*loop_, gone());
  EXPECT_EQ(host_.ends, 1u);
  EXPECT_EQ(host_.last.upstream, "db");
  EXPECT_EQ(host_.last.received, 5u);
  EXPECT_EQ(host_.last.sent, 5u);
  EXPECT_EQ(host_.last.attempts, 3u);
  EXPECT_EQ(upstream_.cluster->endpoints()->endpoints[0]->in_flight, 0u);
}

TEST_P(TcpTunnelTest, keeps_its_endpoint_when_the_cluster_is_gone) {
  begin();
  std::weak_ptr<Cluster> cluster = upstream_.cluster;
  upstream_.cluster.reset();
  EXPECT_FALSE(cluster.expired());
  close_ends();
  test::run(*loop_, gone());
  EXPECT_EQ(host_.last.upstream, "db");
  EXPECT_TRUE(cluster.expired());
}

TEST_P(TcpTunnelTest, ends_when_both_sides_are_silent_for_too_long) {
  begin(1, std::chrono::milliseconds(5));
  test::run(*loop_, gone());
  EXPECT_EQ(host_.last.error.code, ErrorCode::idle_timeout);
}

INSTANTIATE_TEST_SUITE_P(Engines, TcpTunnelTest, testing::Values("epoll", "io_uring"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace weir
