// Fill: one request of a cache to the origin. It belongs to the object that it fills, not to the
// client for which it was begun.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/scope.h"
#include "http/derived_exchange.h"
#include "http/handler.h"
#include "middleware/cache/disk_transfer.h"
#include "middleware/cache/store.h"

namespace weir::cache {

class Fill;

/// The fills that are under way on one worker; in its slots, made on first use.
class FillScope {
 public:
  static constexpr std::uint32_t kMost = 4096;

  static FillScope& of(Loop& loop);
  /// Waits until nobody, on whatever worker, reads what fills of this one bring, then stops them.
  /// For a worker without exchanges.
  static Task<void> finish(Loop& loop);

  void begin(Fill& fill, Task<void> task);
  /// Work of the store that ends on its own.
  void spawn(Task<void> task) { scope_.spawn(std::move(task)); }
  StopToken token() { return scope_.token(); }
  std::size_t running() const { return scope_.running(); }
  bool full() const { return running() >= kMost; }

 private:
  static const SlotKey& key();
  Scope scope_;
  Link fills_;
};

/// What is the same for all fills of one middleware. Lives in the configuration, which a fill that
/// is under way keeps alive.
struct FillRules {
  Policy policy;
  std::uint64_t max_object = 0;       // bytes of a body
  std::uint64_t max_disk_object = 0;  // of one that goes to the disk alone; 0: none does
};

/// A part of something large, for which Range asks.
struct SliceOrder {
  std::string whole;  // the address of all of it
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  std::string version;  // the only one that is of use (`strong_validator`); empty: any
};

/// What is to be filled.
struct FillOrder {
  std::shared_ptr<Store> store;
  ObjectRef object;
  ObjectRef stale;  // to be validated; may be null
  std::string url;  // of a slice, its key
  std::optional<SliceOrder> slice = std::nullopt;
};

/// Shared by its coroutine and by the client for which it was begun, on one loop; a member of the
/// list of the scope while its coroutine runs.
class Fill : public Link {
 public:
  /// For how long nobody waits for another, when a response had been for one client only.
  static constexpr Duration kPass = std::chrono::seconds(10);
  /// When there was none.
  static constexpr Duration kRetry = std::chrono::seconds(1);
  /// How long a fill goes on that nobody waits for.
  static constexpr Duration kOrphaned = std::chrono::seconds(30);
  /// Bytes of a body that outgrew its limit, between its slowest reader and the origin.
  static constexpr std::uint64_t kWindow = 1048576;
  static constexpr std::size_t kSmallest = 4096;  // of the blocks of a body
  static constexpr std::size_t kLargest = 262144;

  /// Asks the origin, in an exchange made from `client`.
  static std::shared_ptr<Fill> begin(Exchange& client, Next next, const FillRules& rules,
                                     FillOrder order);

  // --- for the client, once the object's phase says so -------------------------------------------

  /// What the origin answered, of phase lent. Null once it was given back.
  Response* lent() { return lent_; }
  /// The client has gone, or has read it.
  void give_back();
  void stop(const Error& why) { stop_.request(why); }
  /// Somebody reads what it brings, or waits for it, or it is on its way to the disk.
  bool wanted() const { return order_.object->readers() > 0 || on_disk_; }
  const UpstreamFacts& upstream() const { return upstream_; }
  /// Status of the origin's answer; 0: none.
  std::uint16_t status() const { return status_; }
  Refusal refusal() const { return refusal_; }
  /// Fields that are only for the client that asked first.
  const Headers& withheld() const { return withheld_; }

 private:
  Fill(Exchange& client, const FillRules& rules, FillOrder order);

  static Task<void> run(std::shared_ptr<Fill> self, Next next);
  void prepare(bool trusted);
  void ask_for_slice(const SliceOrder& slice);
  Task<void> take(Result<Response>& response);
  bool is_slice(const Response& response);
  bool turn_whole();
  std::uint16_t judged_status() const { return order_.slice ? 200 : status_; }
  bool fails(const Result<Response>& response) const;
  void fail_with(const Error& error);
  bool renew(const Response& response);
  Task<void> lend(Response& response);
  bool open(const Response& response, const Verdict& verdict);
  bool charge(ObjectFacts& facts);
  void keep_withheld(const Headers& headers, const ResponseDirectives& said);
  Task<void> pump(Body& body);
  Task<Status> append(std::string_view bytes);
  void grow(std::size_t wanted);
  void overflow();
  void spool(const Headers& request);
  Task<void> keep_on_disk();
  void carry_file(ObjectFacts& facts);
  bool abandoned();
  void complete();

  const FillRules& rules_;
  FillOrder order_;
  StopSource stop_;
  DerivedExchange exchange_;
  Loop& loop_;
  Object::Follower writer_;
  Signal returned_;
  bool given_back_ = false;
  Response* lent_ = nullptr;
  UpstreamFacts upstream_;
  std::uint16_t status_ = 0;
  Refusal refusal_ = Refusal::none;
  Arena arena_;
  Headers withheld_{arena_};
  std::int64_t asked_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<std::uint64_t> length_;
  std::optional<TimePoint> alone_since_;
  std::unique_ptr<Spool> spool_;
  bool on_disk_ = false;  // what is left to be done is
};

/// Of the client for which a fill was begun: tells it when that client has gone.
class Lead {
 public:
  explicit Lead(std::shared_ptr<Fill> fill) : fill_(std::move(fill)) {}
  ~Lead() { fill_->give_back(); }
  Fill& fill() { return *fill_; }

 private:
  std::shared_ptr<Fill> fill_;
};

/// What is only for the client for which it was asked, passed on as it is.
class LentBody final : public Body {
 public:
  /// Both outlive it.
  LentBody(Fill& fill, Body& inner, StopToken client);

  Task<Result<Slice>> read() override { return inner_.read(); }
  std::optional<Slice> try_read() override { return inner_.try_read(); }
  void let_pass() override { inner_.let_pass(); }
  std::optional<std::uint64_t> length() const override { return inner_.length(); }
  const Headers* trailers() const override { return inner_.trailers(); }

 private:
  struct Gone : StopCallback {
    using StopCallback::StopCallback;
    Fill* fill = nullptr;
  };
  Body& inner_;
  Gone gone_;
};

}  // namespace weir::cache
