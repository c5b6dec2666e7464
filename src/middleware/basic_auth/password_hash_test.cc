#include "middleware/basic_auth/password_hash.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

// All of "secret", as cheap as they can be.
const std::string kHashes[] = {
    "$2y$04$91aQecJIR/JGjvHUU/zsJu7MgsiJt8zCULJAP1nv0SYNsNxMIxTJa",
    "$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/"
    "otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    "$y$j75$saltsaltsalt$jyf/lxrpdyAIshWRo1x5DRC6KIE7sNRRtjcomR3PgHA",
    "$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2",
    "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$TnDEl2tJgYtaYZt0/5f59Jf56vkIG4EtQACv6SLO2cI"};

TEST(PasswordHash, knows_the_password_of_every_method) {
  for (const std::string& hash : kHashes) {
    EXPECT_TRUE(check_password_hash(hash)) << hash;
    EXPECT_TRUE(is_password_of(hash, "secret")) << hash;
    for (const char* wrong : {"Secret", "secret ", "secre", ""}) {
      EXPECT_FALSE(is_password_of(hash, wrong)) << hash;
    }
  }
}

TEST(PasswordHash, takes_no_method_that_is_fast_to_try_out) {
  for (const char* weak :
       {"$apr1$tv.4ugX1$G196kwXgEXB2qpL.tlygd.", "{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=", "secret", "",
        "$1$salt$x", "xyDESxx", "$2x$04$91aQecJIR/JGjvHUU/zsJu7MgsiJt8zCULJAP1nv0SYNsNxMIxTJa",
        "*"}) {
    EXPECT_FALSE(check_password_hash(weak)) << weak;
  }
}

TEST(PasswordHash, takes_no_cost_that_would_hold_a_thread) {
  auto bcrypt = [](const char* cost) {
    return bool(check_password_hash("$2y$" + std::string(cost) +
                                    "$91aQecJIR/JGjvHUU/zsJu7MgsiJt8zCULJAP1nv0SYNsNxMIxTJa"));
  };
  EXPECT_TRUE(bcrypt("13"));
  EXPECT_TRUE(bcrypt("14"));
  EXPECT_FALSE(bcrypt("15"));
  auto argon2 = [](std::string terms) {
    return bool(check_password_hash("$argon2id$v=19$" + terms + "$c2FsdHNhbHQ$AAAA"));
  };
  EXPECT_TRUE(argon2("m=262143,t=15,p=1"));
  EXPECT_TRUE(argon2("m=262144,t=16,p=1"));
  EXPECT_FALSE(argon2("m=262145,t=16,p=1"));
  EXPECT_FALSE(argon2("m=262144,t=17,p=1"));
  EXPECT_FALSE(argon2("m=x,t=1,p=1"));
  auto rounds = [](std::string count) {
    return bool(check_password_hash("$6$rounds=" + count + "$saltsalt$x"));
  };
  EXPECT_TRUE(rounds("999999"));
  EXPECT_TRUE(rounds("1000000"));
  EXPECT_FALSE(rounds("1000001"));
}

}  // namespace
}  // namespace weir
