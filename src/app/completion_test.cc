#include "app/completion.h"

#include <gmock/gmock.h>

#include "app/arguments.h"

namespace weir {
namespace {

using testing::HasSubstr;

// What shells make of the scripts: tests/e2e/test_install.py.
TEST(Completion, knows_commands_inside_of_others) {
  CommandText program = command_table();
  EXPECT_THAT(completion(program, Shell::bash), HasSubstr("|'config rollback'|"));
  EXPECT_THAT(completion(program, Shell::zsh), HasSubstr("\n_weir_config_rollback() {\n"));
  EXPECT_THAT(completion(program, Shell::fish), HasSubstr("__weir_command 'config'\" -a rollback"));
}

TEST(Completion, is_not_taken_in_by_what_a_description_holds) {
  CommandText program{.name = "", .about = "", .words = {}, .commands = {}};
  WordText option{.flag = "--a",
                  .brief = "",
                  .value = "x|y",
                  .about = "it's\n[b]: \\$(c)",
                  .otherwise = "",
                  .required = false};
  program.commands.push_back({"run", "it's `c`", {option}, {}});
  EXPECT_THAT(completion(program, Shell::zsh),
              HasSubstr("'*--a=[it'\\''s \\[b\\]\\: \\\\$(c)]:value:(x y)'"));
  EXPECT_THAT(completion(program, Shell::zsh), HasSubstr("'run:it'\\''s `c`'"));
  EXPECT_THAT(completion(program, Shell::fish), HasSubstr("-x -a 'x y' -d 'it\\'s [b]: \\\\$(c)'"));
}

}  // namespace
}  // namespace weir
