#include "io/dns/message.h"

#include <gtest/gtest.h>

#include <set>

#include "io/dns/scripted_answers.h"

namespace weir::dns {
namespace {

Query query(RecordType type = RecordType::a, std::string_view name = "www.shop.example") {
  Random random(7);
  Result<Query> made = make_query(name, type, true, random);
  EXPECT_TRUE(made);
  return *made;
}

Reply parse(const Query& asked_query, const ScriptedAnswer& answer, bool exact_case = true) {
  return parse_reply(answer.bytes(), asked_query, exact_case);
}

std::vector<std::string> texts(const Reply& reply) {
  std::vector<std::string> all;
  for (const IpAddress& ip : reply.addresses) all.push_back(ip.text());
  return all;
}

using Texts = std::vector<std::string>;

TEST(DnsHostName, takes_letters_digits_hyphens_and_underscores) {
  for (const char* good : {"a", "a.b", "_http._tcp.Shop.example", "xn--abc.example", "1.2.3.4"}) {
    EXPECT_TRUE(parse_host_name(good)) << good;
  }
  for (const char* bad : {"", ".", "..", "a..b", ".a", "a b", "a/b", "a\\.b", "a\n", "\xc3\xa4"}) {
    EXPECT_FALSE(parse_host_name(bad)) << bad;
  }
  EXPECT_EQ(parse_host_name("WWW.Shop.Example")->text, "www.shop.example");
}

TEST(DnsHostName, is_absolute_with_a_final_dot) {
  EXPECT_FALSE(parse_host_name("a.b")->absolute);
  EXPECT_TRUE(parse_host_name("a.b.")->absolute);
  EXPECT_EQ(parse_host_name("a.b.")->text, "a.b");
}

TEST(DnsHostName, has_labels_of_63_and_253_bytes_at_most) {
  EXPECT_TRUE(parse_host_name(std::string(63, 'a')));
  EXPECT_FALSE(parse_host_name(std::string(64, 'a')));
  std::string label = std::string(62, 'a') + ".";
  std::string name = label + label + label + label;  // 252, and a final dot
  EXPECT_TRUE(parse_host_name(name));
  EXPECT_TRUE(parse_host_name(name + "b"));
  EXPECT_FALSE(parse_host_name(name + "bc"));
}

TEST(DnsQuery, asks_one_recursive_question_with_an_edns_size_of_1232) {
  Query made = query(RecordType::aaaa);
  Asked question = asked(made.bytes);
  EXPECT_EQ(question.name, "www.shop.example");
  EXPECT_EQ(question.type, 28u);
  EXPECT_EQ(question.size, made.question_size);
  EXPECT_EQ(made.bytes.substr(2, 10), std::string("\1\0\0\1\0\0\0\0\0\1", 10));
  std::string opt = made.bytes.substr(12 + made.question_size);
  EXPECT_EQ(opt, std::string("\0\0\x29\x04\xd0\0\0\0\0\0\0", 11));
}

TEST(DnsQuery, has_a_random_id_and_random_case) {
  Random random(1);
  std::set<std::string> ids, names;
  for (int i = 0; i < 64; ++i) {
    Query made = *make_query("www.shop.example", RecordType::a, true, random);
    ids.insert(made.bytes.substr(0, 2));
    names.insert(made.bytes.substr(12, made.question_size));
  }
  EXPECT_GT(ids.size(), 60u);
  EXPECT_GT(names.size(), 55u);
}

TEST(DnsReply, gives_all_addresses_of_the_name) {
  Query asked_query = query();
  Reply reply = parse(asked_query, ScriptedAnswer(asked_query.bytes)
                                       .a("www.shop.example", 60, "10.0.0.1")
                                       .a("WWW.shop.EXAMPLE", 30, "10.0.0.2"));
  EXPECT_EQ(reply.verdict, Verdict::found);
  EXPECT_EQ(texts(reply), (Texts{"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(reply.ttl, 30u);
}

TEST(DnsReply, reads_aaaa_records) {
  Query asked_query = query(RecordType::aaaa);
  Reply reply = parse(asked_query, ScriptedAnswer(asked_query.bytes)
                                       .aaaa("www.shop.example", 5, "2001:db8::1")
                                       .a("www.shop.example", 1, "10.0.0.1"));
  EXPECT_EQ(texts(reply), (Texts{"2001:db8::1"}));
  EXPECT_EQ(reply.ttl, 5u) << "a record of another type has no say";
}

TEST(DnsReply, takes_the_least_ttl_along_the_aliases) {
  Query asked_query = query();
  Reply reply = parse(asked_query, ScriptedAnswer(asked_query.bytes)
                                       .a("edge.cdn.example", 300, "10.0.0.1")
                                       .cname("shop.cdn.example", 20, "edge.cdn.example")
                                       .cname("www.shop.example", 600, "Shop.cdn.example"));
  EXPECT_EQ(reply.verdict, Verdict::found);
  EXPECT_EQ(texts(reply), (Texts{"10.0.0.1"}));
  EXPECT_EQ(reply.ttl, 20u);
}

TEST(DnsReply, counts_a_ttl_beyond_31_bits_as_zero) {
  Query asked_query = query();
  Reply reply = parse(
      asked_query, ScriptedAnswer(asked_query.bytes).a("www.shop.example", 0x80000000, "10.0.0.1"));
  EXPECT_EQ(reply.ttl, 0u);
}

TEST(DnsReply, ignores_records_of_names_that_nothing_leads_to) {
  Query asked_query = query();
  Reply reply = parse(asked_query, ScriptedAnswer(asked_query.bytes)
                                       .a("bank.example", 60, "6.6.6.6")
                                       .cname("other.example", 60, "www.shop.example")
                                       .a("www.shop.example", 60, "10.0.0.1"));
  EXPECT_EQ(texts(reply), (Texts{"10.0.0.1"}));
}

TEST(DnsReply, refuses_an_alias_loop) {
  Query asked_query = query();
  Reply reply = parse(asked_query, ScriptedAnswer(asked_query.bytes)
                                       .cname("www.shop.example", 60, "b.example")
                                       .cname("b.example", 60, "www.shop.example"));
  EXPECT_EQ(reply.verdict, Verdict::malformed);
  EXPECT_EQ(reply.detail, "too many aliases");
}

TEST(DnsReply, follows_sixteen_aliases_and_not_one_more) {
  for (unsigned length : {kMaxAliases - 1, kMaxAliases, kMaxAliases + 1}) {
    Query asked_query = query(RecordType::a, "n0.example");
    ScriptedAnswer answer(asked_query.bytes);
    for (unsigned i = 0; i < length; ++i) {
      answer.cname("n" + std::to_string(i) + ".example", 60,
                   "n" + std::to_string(i + 1) + ".example");
    }
    answer.a("n" + std::to_string(length) + ".example", 60, "10.0.0.1");
    EXPECT_EQ(parse(asked_query, answer).verdict,
              length <= kMaxAliases ? Verdict::found : Verdict::malformed)
        << length;
  }
}

TEST(DnsReply, refuses_two_different_aliases_of_one_name) {
  Query asked_query = query();
  ScriptedAnswer answer(asked_query.bytes);
  answer.cname("www.shop.example", 60, "a.example").cname("www.shop.example", 60, "a.example");
  answer.a("a.example", 60, "10.0.0.1");
  EXPECT_EQ(parse(asked_query, answer).verdict, Verdict::found) << "the same one twice is harmless";
  answer.cname("www.shop.example", 60, "b.example");
  EXPECT_EQ(parse(asked_query, answer).verdict, Verdict::malformed);
}

TEST(DnsReply, tells_a_name_without_records_from_no_name) {
  Query asked_query = query();
  Reply none = parse(asked_query, ScriptedAnswer(asked_query.bytes).soa("shop.example", 300, 60));
  EXPECT_EQ(none.verdict, Verdict::no_data);
  EXPECT_EQ(none.ttl, 60u);
  Reply gone =
      parse(asked_query, ScriptedAnswer(asked_query.bytes).code(3).soa("shop.example", 30, 60));
  EXPECT_EQ(gone.verdict, Verdict::no_name);
  EXPECT_EQ(gone.ttl, 30u);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(asked_query.bytes).code(3)).ttl, std::nullopt);
}

TEST(DnsReply, says_no_name_where_an_alias_leads_nowhere) {
  Query asked_query = query();
  Reply reply = parse(asked_query, ScriptedAnswer(asked_query.bytes)
                                       .code(3)
                                       .cname("www.shop.example", 10, "gone.example")
                                       .soa("example", 300, 60));
  EXPECT_EQ(reply.verdict, Verdict::no_name);
  EXPECT_EQ(reply.ttl, 10u);
}

TEST(DnsReply, reads_services) {
  Query asked_query = query(RecordType::srv, "_http._tcp.shop.example");
  Reply reply =
      parse(asked_query, ScriptedAnswer(asked_query.bytes)
                             .srv("_http._tcp.shop.example", 60, 1, 5, 8080, "A.example")
                             .srv("_http._tcp.shop.example", 60, 2, 0, 9090, "b.example"));
  EXPECT_EQ(reply.verdict, Verdict::found);
  EXPECT_EQ(reply.services,
            (std::vector<Service>{{1, 5, 8080, "a.example"}, {2, 0, 9090, "b.example"}}));
}

TEST(DnsReply, takes_the_service_target_dot_for_no_service) {
  Query asked_query = query(RecordType::srv, "_http._tcp.shop.example");
  Reply reply =
      parse(asked_query,
            ScriptedAnswer(asked_query.bytes).srv("_http._tcp.shop.example", 60, 0, 0, 0, ""));
  EXPECT_EQ(reply.verdict, Verdict::no_data);
  EXPECT_EQ(reply.ttl, 60u);
}

TEST(DnsReply, is_foreign_with_another_id_or_question_or_no_answer_bit) {
  Query asked_query = query();
  ScriptedAnswer good(asked_query.bytes);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(good).other_id()).verdict, Verdict::foreign);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(good).flags(0x0100)).verdict, Verdict::foreign);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(good).flags(0x9180)).verdict, Verdict::foreign);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(good).questions(0)).verdict, Verdict::foreign);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(good).questions(2)).verdict, Verdict::foreign);
  std::string other_type = wire_name("www.shop.example") + wire16(28) + wire16(1);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(good).question(other_type)).verdict,
            Verdict::foreign);
  std::string other_name = wire_name("www.shap.example") + wire16(1) + wire16(1);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(good).question(other_name)).verdict,
            Verdict::foreign);
}

TEST(DnsReply, is_suspect_over_udp_when_the_case_of_the_name_changed) {
  Query asked_query = query();
  std::string lowered = wire_name("www.shop.example") + wire16(1) + wire16(1);
  ASSERT_NE(lowered, asked_query.bytes.substr(12, asked_query.question_size));
  ScriptedAnswer answer(asked_query.bytes);
  answer.question(lowered).a("www.shop.example", 60, "10.0.0.1");
  EXPECT_EQ(parse(asked_query, answer).verdict, Verdict::suspect);
  EXPECT_EQ(parse(asked_query, answer, false).verdict, Verdict::found);
}

TEST(DnsReply, tells_what_a_server_refuses) {
  Query asked_query = query();
  struct Case {
    unsigned code;
    Verdict verdict;
    std::string_view detail;
  };
  for (const Case& c : {Case{2, Verdict::refused, "servfail"},
                        {5, Verdict::refused, "refused"},
                        {1, Verdict::no_edns, "formerr"},
                        {4, Verdict::no_edns, "notimp"},
                        {9, Verdict::refused, "unexpected response code"}}) {
    Reply reply = parse(asked_query, ScriptedAnswer(asked_query.bytes).code(c.code));
    EXPECT_EQ(reply.verdict, c.verdict) << c.code;
    EXPECT_EQ(reply.detail, c.detail) << c.code;
  }
}

TEST(DnsReply, may_be_a_bare_header_when_the_server_did_not_understand) {
  Query asked_query = query();
  ScriptedAnswer bare(asked_query.bytes);
  bare.question("").questions(0);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(bare).code(1)).verdict, Verdict::no_edns);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(bare).code(2)).verdict, Verdict::foreign);
}

TEST(DnsReply, is_no_answer_when_the_server_does_not_ask_others) {
  Query asked_query = query();
  Reply reply = parse(asked_query, ScriptedAnswer(asked_query.bytes).flags(0x8100));
  EXPECT_EQ(reply.verdict, Verdict::refused);
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(asked_query.bytes).flags(0x8500)).verdict,
            Verdict::no_data);
}

TEST(DnsReply, is_truncated_whatever_it_holds) {
  Query asked_query = query();
  Reply reply =
      parse(asked_query,
            ScriptedAnswer(asked_query.bytes).truncated().a("www.shop.example", 60, "10.0.0.1"));
  EXPECT_EQ(reply.verdict, Verdict::truncated);
  EXPECT_TRUE(reply.addresses.empty());
}

TEST(DnsReply, refuses_compression_loops) {
  Query asked_query = query();
  std::size_t at = 12 + asked_query.question_size;
  std::string itself = wire16(0xc000 | static_cast<unsigned>(at));
  EXPECT_EQ(
      parse(asked_query, ScriptedAnswer(asked_query.bytes).record(itself, 1, 60, "abcd")).verdict,
      Verdict::malformed);
  std::string pair = "\1a" + wire16(0xc000 | static_cast<unsigned>(at));
  EXPECT_EQ(
      parse(asked_query, ScriptedAnswer(asked_query.bytes).record(pair, 1, 60, "abcd")).verdict,
      Verdict::malformed);
  std::string beyond = wire16(0xffff);
  EXPECT_EQ(
      parse(asked_query, ScriptedAnswer(asked_query.bytes).record(beyond, 1, 60, "abcd")).verdict,
      Verdict::malformed);
}

TEST(DnsReply, follows_compression_to_the_question) {
  Query asked_query = query();
  Reply reply =
      parse(asked_query, ScriptedAnswer(asked_query.bytes).record(wire16(0xc00c), 1, 60, "abcd"));
  EXPECT_EQ(texts(reply), (Texts{"97.98.99.100"}));
}

TEST(DnsReply, refuses_records_whose_sizes_do_not_fit) {
  Query a = query();
  std::string owner = wire_name("www.shop.example");
  for (const char* data : {"", "abc", "abcde"}) {
    Reply reply = parse(a, ScriptedAnswer(a.bytes).record(owner, 1, 60, data));
    EXPECT_EQ(reply.verdict, Verdict::malformed) << data;
  }
  Reply alias = parse(a, ScriptedAnswer(a.bytes).record(owner, 5, 60, wire_name("b") + "x"));
  EXPECT_EQ(alias.verdict, Verdict::malformed);
  Query srv = query(RecordType::srv);
  for (const std::string& data : {std::string("\0\0\0\0\0\0", 6), std::string("\0\0\0\0\0\0\1a", 8),
                                  std::string("\0\0\0\0\0\0\1a\0b", 10)}) {
    Reply reply = parse(srv, ScriptedAnswer(srv.bytes).record(owner, 33, 60, data));
    EXPECT_EQ(reply.verdict, Verdict::malformed) << data.size();
  }
}

TEST(DnsReply, refuses_trailing_bytes) {
  Query asked_query = query();
  EXPECT_EQ(parse(asked_query, ScriptedAnswer(asked_query.bytes).tail("x")).verdict,
            Verdict::malformed);
}

TEST(DnsReply, refuses_every_shorter_version_of_itself) {
  Query asked_query = query();
  std::string whole = ScriptedAnswer(asked_query.bytes)
                          .cname("www.shop.example", 60, "b.example")
                          .a("b.example", 60, "10.0.0.1")
                          .soa("example", 60, 60)
                          .bytes();
  ASSERT_EQ(parse_reply(whole, asked_query, true).verdict, Verdict::found);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::string copy = whole.substr(0, size);  // of its own, so that a read beyond it is seen
    Verdict verdict = parse_reply(copy, asked_query, true).verdict;
    bool question_whole = size >= 12 + asked_query.question_size;
    EXPECT_EQ(verdict, question_whole ? Verdict::malformed : Verdict::foreign) << size;
  }
}

TEST(DnsReply, holds_2048_records_and_not_one_more) {
  for (unsigned count : {kMaxRecords - 1, kMaxRecords, kMaxRecords + 1}) {
    Query asked_query = query();
    ScriptedAnswer answer(asked_query.bytes);
    for (unsigned i = 0; i < count; ++i) answer.record(wire16(0xc00c), 1, 60, "abcd");
    Reply reply = parse(asked_query, answer);
    EXPECT_EQ(reply.addresses.size(), count <= kMaxRecords ? count : 0);
    EXPECT_EQ(reply.detail, count <= kMaxRecords ? "" : "too many records");
  }
}

TEST(DnsReply, bounds_what_its_names_expand_to) {
  Query asked_query = query();
  ScriptedAnswer answer(asked_query.bytes);
  std::string long_name;
  for (int i = 0; i < 3; ++i) long_name += '\x3f' + std::string(63, 'a');
  unsigned at = static_cast<unsigned>(12 + asked_query.question_size);
  answer.record(long_name + '\0', 16, 60, "");
  // Each record costs 12 bytes and expands to 191.
  for (unsigned i = 0; i < 1500; ++i) answer.record(wire16(0xc000 | at), 16, 60, "");
  EXPECT_EQ(parse(asked_query, answer).verdict, Verdict::malformed);
}

}  // namespace
}  // namespace weir::dns
