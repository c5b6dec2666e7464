#include "app/manual.h"

#include <gmock/gmock.h>

#include <fmt/format.h>

#include "app/arguments.h"

namespace weir {
namespace {

using testing::HasSubstr;

TEST(Manual, names_every_command_and_option_of_the_program) {
  std::string page = manual_page(command_table());
  for (const char* expected :
       {"\n.SS weir run [OPTIONS] FILE\n", "\n.SS weir config diff [OPTIONS] [FROM] [TO]\n",
        "\n\\fB\\-\\-drain\\-timeout\\fR \\fIVALUE\\fR\n",
        "\n\\fB\\-\\-engine\\fR \\fIauto|epoll|io_uring\\fR\n",
        "\n\\fB\\-H\\fR, \\fB\\-\\-header\\fR"}) {
    EXPECT_THAT(page, HasSubstr(expected));
  }
}

TEST(Manual, shows_what_roff_would_take_for_a_request) {
  CommandText program{.name = "", .about = "", .words = {}, .commands = {}};
  program.commands.push_back({"a", ".so /etc/passwd\n'br a\\b", {}, {}});
  EXPECT_THAT(manual_page(program), HasSubstr("\n\\&.so /etc/passwd\n\\&'br a\\eb.\n"));
}

}  // namespace
}  // namespace weir
