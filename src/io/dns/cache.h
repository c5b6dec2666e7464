// Answers that are still valid, by name and type; bounded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/dns/message.h"
#include "io/timer.h"

namespace weir::dns {

/// What is known of the records of one type of one name.
struct Answer {
  enum class Kind : std::uint8_t {
    found,
    no_data,  // the name exists, but has no such records
    no_name,  // nothing exists under this name
  };
  Kind kind = Kind::no_data;
  std::vector<IpAddress> addresses;  // of A and AAAA
  std::vector<Service> services;     // of SRV
  TimePoint expires{};
};

class Cache {
 public:
  using Key = std::pair<std::string, RecordType>;

  explicit Cache(std::size_t limit) : limit_(limit) {}

  /// Null if there is none, or its time is over.
  const Answer* find(const Key& key, TimePoint now) const;
  /// Where the cache is full, what expires first makes room; returns whether something that was
  /// still valid had to.
  bool put(Key key, Answer answer, TimePoint now);
  void clear() { answers_.clear(); }
  std::size_t size() const { return answers_.size(); }

 private:
  std::size_t limit_;
  std::map<Key, Answer> answers_;
};

}  // namespace weir::dns
