#include "http/owned_fields.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string names_of(const Headers& headers) {
  std::string all;
  for (const Header& each : headers) all += std::string(each.name()) + " ";
  return all;
}

TEST(OwnedFields, leave_in_every_spelling) {
  Arena arena;
  Headers headers(arena);
  for (const char* name : {"X-User", "x-user", "X_USER", "X-Users", "Accept", "x_user"}) {
    headers.add(name, "root");
  }
  std::string owned[] = {"X-User"};
  clear_owned(headers, owned);
  EXPECT_EQ(names_of(headers), "X-Users Accept ");
}

// ATTACKS 36: a client names a field in Connection that a proxy sets, to have it removed.
TEST(OwnedFields, cannot_be_removed_by_way_of_connection) {
  Arena arena;
  Headers headers(arena);
  headers.add("Connection", "close, X-User, x-other");
  headers.add("X-Other", "1");
  std::string owned[] = {"X-User"};
  clear_owned(headers, owned);
  headers.add("X-User", "alice");
  clear_owned(headers, {});  // as the handler does before it sends
  EXPECT_EQ(names_of(headers), "X-User ");
}

}  // namespace
}  // namespace weir
