// DNS answers: any bytes are judged without harm, and what is believed keeps its promises.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "io/dns/message.h"

namespace {

using namespace weir::dns;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_found(const Reply& reply, const Query& query) {
  require(reply.ttl.has_value() && *reply.ttl <= 0x7fffffff);
  require(reply.addresses.empty() != reply.services.empty());
  require(reply.services.empty() || query.type == RecordType::srv);
  require(reply.addresses.size() + reply.services.size() <= kMaxRecords);
  for (const weir::IpAddress& ip : reply.addresses) {
    require(ip.v4 == (query.type == RecordType::a));
  }
  for (const Service& service : reply.services) {
    require(!service.target.empty());
    require(std::ranges::none_of(service.target, [](char c) { return c >= 'A' && c <= 'Z'; }));
  }
}

void check(const Reply& reply, const Query& query) {
  if (reply.verdict == Verdict::found) return check_found(reply, query);
  require(reply.addresses.empty() && reply.services.empty());
  bool explained = reply.verdict == Verdict::malformed || reply.verdict == Verdict::refused;
  require(!explained || !reply.detail.empty());
}

}  // namespace

// The first byte chooses the query and how the rest is used: as a whole message, or, so that the
// records are reached easily, as flags, counts and records behind the right id and question.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static constexpr RecordType kTypes[] = {RecordType::a, RecordType::aaaa, RecordType::srv};
  std::uint8_t choice = data[0];
  std::string rest(reinterpret_cast<const char*>(data + 1), size - 1);
  weir::Random random(1);
  auto query = make_query("www.shop.example", kTypes[choice % 3], (choice & 4) != 0, random);
  require(query.has_value());
  std::string message = rest;
  if ((choice & 8) == 0) {
    if (rest.size() < 8) return 0;
    message = query->bytes.substr(0, 2) + rest.substr(0, 2) + std::string("\0\1", 2) +
              rest.substr(2, 6) + query->bytes.substr(12, query->question_size) + rest.substr(8);
  }
  bool exact = (choice & 16) != 0;
  Reply reply = parse_reply(message, *query, exact);
  check(reply, *query);
  if (exact && reply.verdict == Verdict::found) {
    require(parse_reply(message, *query, false).verdict == Verdict::found);
  }
  return 0;
}
