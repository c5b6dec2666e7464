// weir: the program.
#include <cstdio>

#include "app/commands.h"

int main(int argc, char** argv) {
  auto arguments = weir::parse_arguments({argv + 1, argv + argc});
  if (arguments) return weir::execute(*arguments);
  const weir::Usage& usage = arguments.error();
  std::fputs(usage.text.c_str(), usage.status == weir::kExitOk ? stdout : stderr);
  return usage.status;
}
