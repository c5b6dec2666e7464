#include "http/fastcgi/params.h"

#include <gmock/gmock.h>

#include "http/fastcgi/testing.h"

namespace weir::fastcgi {
namespace {

using test::sent_to_application;
using test::SentToApplication;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class ParamsTest : public ::testing::Test {
 protected:
  SentToApplication sent(bool keep = false) {
    auto head = write_request_head(params_, keep);
    EXPECT_TRUE(head);
    if (!head) return {};
    SentToApplication result = sent_to_application(*head);
    EXPECT_TRUE(result.params_ended);
    EXPECT_THAT(result.twice, IsEmpty());
    return result;
  }
  std::map<std::string, std::string> of(
      std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    Headers headers(arena_);
    for (const auto& [name, value] : fields) headers.add(name, value);
    params_ = Params(arena_);
    add_header_params(params_, headers);
    return sent().params;
  }

  Arena arena_;
  Params params_{arena_};
};

TEST_F(ParamsTest, come_out_as_they_went_in) {
  std::string l127(127, 'a');
  std::string l128(128, 'b');
  std::string l70000(60000, 'c');
  params_.add("EMPTY", "");
  params_.add(l127, l128);
  params_.add(l128, l127);
  params_.add("LONG", l70000);
  params_.add("NEXT", l70000);
  SentToApplication got = sent(true);
  EXPECT_TRUE(got.keep);
  EXPECT_THAT(got.params, ElementsAre(Pair("EMPTY", ""), Pair("LONG", l70000), Pair("NEXT", l70000),
                                      Pair(l127, l128), Pair(l128, l127)));
  EXPECT_FALSE(sent(false).keep);
}

TEST_F(ParamsTest, fill_records_with_whole_pairs_only) {
  std::string value(20000, 'v');
  for (char name = 'A'; name <= 'Z'; ++name) params_.add(arena_.copy({&name, 1}), value);
  SentToApplication got = sent();
  EXPECT_EQ(got.params.size(), 26u);
  EXPECT_EQ(got.records, 1u + 9u + 1u);  // three pairs in each
}

TEST_F(ParamsTest, fit_into_a_record_up_to_its_last_byte) {
  // One byte of the name, one and four bytes of lengths.
  std::string most(65535 - 1 - 1 - 4, 'x');
  params_.add("A", most);
  EXPECT_EQ(sent().params["A"], most);
  params_ = Params(arena_);
  most.pop_back();
  params_.add("A", most);
  EXPECT_EQ(sent().params["A"], most);
  params_ = Params(arena_);
  most += "xx";
  params_.add("A", most);
  auto head = write_request_head(params_, false);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code, ErrorCode::head_too_large);
}

TEST_F(ParamsTest, of_fields_have_the_names_of_cgi) {
  EXPECT_THAT(of({{"Accept", "a/b"}, {"x-Some-2", "1"}, {"Authorization", "Basic x"}}),
              ElementsAre(Pair("HTTP_ACCEPT", "a/b"), Pair("HTTP_AUTHORIZATION", "Basic x"),
                          Pair("HTTP_X_SOME_2", "1")));
}

TEST_F(ParamsTest, of_fields_of_one_name_are_one) {
  EXPECT_THAT(of({{"X-A", "1"},
                  {"Cookie", "a=1"},
                  {"x-a", "2"},
                  {"cookie", "b=2"},
                  {"X-B", "3"},
                  {"X-A", ""}}),
              ElementsAre(Pair("HTTP_COOKIE", "a=1; b=2"), Pair("HTTP_X_A", "1, 2, "),
                          Pair("HTTP_X_B", "3")));
}

TEST_F(ParamsTest, attack_39_of_a_field_proxy_are_not_made) {
  EXPECT_THAT(of({{"Proxy", "evil:80"}, {"pRoXy", "evil:80"}}), IsEmpty());
}

TEST_F(ParamsTest, attack_35_of_names_that_look_alike_are_not_made) {
  EXPECT_THAT(of({{"X_A", "1"}, {"X.A", "1"}, {"X!", "1"}, {"_", "1"}}), IsEmpty());
}

TEST_F(ParamsTest, of_fields_with_variables_of_their_own_are_not_made) {
  EXPECT_THAT(of({{"Content-Length", "5"}, {"Content-Type", "a/b"}}), IsEmpty());
}

TEST_F(ParamsTest, that_are_there_already_stay) {
  Headers headers(arena_);
  headers.add("X-A", "client");
  params_.add("HTTP_X_A", "own");
  add_header_params(params_, headers);
  EXPECT_THAT(sent().params, ElementsAre(Pair("HTTP_X_A", "own")));
}

TEST_F(ParamsTest, of_many_fields_of_one_name_take_no_quadratic_time) {
  Headers headers(arena_);
  for (int i = 0; i < 60000; ++i) headers.add("X-A", "1");
  add_header_params(params_, headers);
  EXPECT_EQ(params_.begin()->value.size(), 60000u * 3 - 2);
}

}  // namespace
}  // namespace weir::fastcgi
