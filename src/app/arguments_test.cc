#include "app/arguments.h"

#include <gmock/gmock.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

Arguments accepted(Words words) {
  auto arguments = parse_arguments(std::move(words));
  EXPECT_TRUE(arguments) << arguments.error().text;
  return arguments ? *arguments : Arguments{};
}

Usage refused(Words words) {
  auto arguments = parse_arguments(std::move(words));
  EXPECT_FALSE(arguments);
  return arguments ? Usage{-1, {}} : arguments.error();
}

TEST(Arguments, reads_run_with_its_defaults) {
  Arguments arguments = accepted({"run", "weir.yaml"});
  EXPECT_EQ(arguments.verb, "run");
  EXPECT_EQ(arguments.file, "weir.yaml");
  EXPECT_EQ(arguments.run.engine, kDefaultEngine);
  EXPECT_EQ(arguments.run.drain_timeout, std::chrono::seconds(30));
  EXPECT_EQ(arguments.run.control_path, "");
}

TEST(Arguments, reads_the_options_of_a_process) {
  Arguments arguments = accepted({"run", "--engine", "epoll", "weir.yaml", "--drain-timeout=1m30s",
                                  "--control", "/run/a.sock"});
  EXPECT_EQ(arguments.run.engine, Engine::epoll);
  EXPECT_EQ(arguments.run.drain_timeout, std::chrono::seconds(90));
  EXPECT_EQ(arguments.run.control_path, "/run/a.sock");
  EXPECT_EQ(accepted({"run", "a", "--engine", "io_uring"}).run.engine, Engine::io_uring);
  EXPECT_EQ(accepted({"run", "a", "--engine", "auto"}).run.engine, Engine::automatic);
}

TEST(Arguments, reads_commands_of_two_words) {
  Arguments arguments = accepted({"config", "dump", "-", "--json", "--show-secrets"});
  EXPECT_EQ(arguments.verb, "config dump");
  EXPECT_EQ(arguments.file, "-");
  EXPECT_TRUE(arguments.json);
  EXPECT_TRUE(arguments.show_secrets);
  for (const char* verb : {"schema", "docs", "codes", "expressions", "metrics", "logs"}) {
    EXPECT_EQ(accepted({"config", verb}).verb, std::string("config ") + verb);
  }
}

TEST(Arguments, reads_changes_of_a_running_process) {
  Arguments arguments = accepted({"config", "set", "/zone", "a", "--dry-run", "--control", "/a"});
  EXPECT_EQ(arguments.verb, "config set");
  EXPECT_EQ(arguments.config.path, "/zone");
  EXPECT_EQ(arguments.config.value, "a");
  EXPECT_TRUE(arguments.config.dry_run);
  EXPECT_EQ(arguments.run.control_path, "/a");
  EXPECT_EQ(accepted({"config", "patch", "/a", "-"}).config.value, "-");
  EXPECT_EQ(accepted({"config", "get"}).config.path, "");
  EXPECT_EQ(accepted({"config", "diff", "3", "7"}).config.from, "3");
  EXPECT_EQ(accepted({"config", "rollback", "3"}).config.version, "3");
  EXPECT_EQ(accepted({"config", "versions", "--json"}).verb, "config versions");
  arguments = accepted({"endpoint", "api", "10.0.0.1:80", "draining"});
  EXPECT_EQ(arguments.verb, "endpoint");
  EXPECT_EQ(arguments.config.endpoint, "10.0.0.1:80");
  EXPECT_EQ(refused({"config", "unset"}).status, kExitUsage);
}

TEST(Arguments, reads_several_headers_and_origins) {
  Arguments arguments = accepted({"explain", "-H", "A: b", "--header", "C: d",
                                  "GET http://a.example/", "--client", "10.0.0.1"});
  EXPECT_EQ(arguments.question.request, "GET http://a.example/");
  EXPECT_THAT(arguments.question.headers, ElementsAre("A: b", "C: d"));
  EXPECT_EQ(arguments.question.client, "10.0.0.1");
  arguments = accepted({"proxy", "--to", "a:1", "--from", ":80", "--to", "b:2", "--print"});
  EXPECT_THAT(arguments.proxy.to, ElementsAre("a:1", "b:2"));
  EXPECT_EQ(arguments.proxy.from, ":80");
  EXPECT_TRUE(arguments.print);
}

TEST(Arguments, reads_what_is_to_be_served) {
  Arguments arguments = accepted({"serve", "public", "--listen", ":80", "--listing", "--spa"});
  EXPECT_EQ(arguments.serve.root, "public");
  EXPECT_EQ(arguments.serve.listen, ":80");
  EXPECT_TRUE(arguments.serve.listing);
  EXPECT_TRUE(arguments.serve.single_page);
  EXPECT_EQ(accepted({"serve", "."}).serve.listen, ":8080");
  EXPECT_EQ(refused({"serve"}).status, kExitUsage);
}

TEST(Arguments, suggests_a_command_for_one_that_does_not_exist) {
  Usage usage = refused({"rnu", "weir.yaml"});
  EXPECT_EQ(usage.status, kExitUsage);
  EXPECT_THAT(usage.text, HasSubstr("there is no command \"rnu\"; did you mean \"run\"?"));
  EXPECT_THAT(refused({"config", "dmup"}).text, HasSubstr("did you mean \"dump\"?"));
  EXPECT_THAT(refused({"helpp"}).text, HasSubstr("did you mean \"help\"?"));
}

TEST(Arguments, suggests_an_option_for_one_that_does_not_exist) {
  Usage usage = refused({"run", "a", "--drain-timout", "1s"});
  EXPECT_EQ(usage.status, kExitUsage);
  EXPECT_THAT(usage.text, HasSubstr("did you mean \"--drain-timeout\"?"));
  EXPECT_THAT(usage.text, HasSubstr("see `weir help run`"));
}

TEST(Arguments, refuses_what_is_incomplete_or_too_much) {
  for (const Words& words :
       {Words{}, Words{"run"}, Words{"run", "a", "b"}, Words{"config"}, Words{"proxy"},
        Words{"explain"}, Words{"status", "a"}, Words{"run", "a", "--engine"},
        Words{"run", "a", "--engine", "kqueue"}, Words{"run", "a", "--drain-timeout", "soon"},
        Words{"--engine", "epoll"}}) {
    EXPECT_EQ(refused(words).status, kExitUsage) << testing::PrintToString(words);
  }
}

TEST(Arguments, gives_help_to_those_who_ask) {
  for (const Words& words : {Words{"help"}, Words{"--help"}, Words{"help", "run"},
                             Words{"run", "--help"}, Words{"help", "config", "dump"}}) {
    Usage usage = refused(words);
    EXPECT_EQ(usage.status, kExitOk) << testing::PrintToString(words);
    EXPECT_FALSE(usage.text.empty());
  }
  EXPECT_THAT(refused({"help"}).text, HasSubstr("Exit status: 0 done; 1 refused"));
  EXPECT_THAT(refused({"help", "config", "dump"}).text, HasSubstr("--show-secrets"));
  EXPECT_EQ(refused({"help", "rnu"}).status, kExitUsage);
  EXPECT_THAT(refused({"version"}).text, HasSubstr("weir "));
}

}  // namespace
}  // namespace weir
