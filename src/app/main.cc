// weir: the command line.
#include <cstdio>
#include <cstring>

#include "app/run.h"

int main(int argc, char** argv) {
  if (argc < 3 || std::strcmp(argv[1], "run") != 0) {
    std::fputs("usage: weir run FILE\n", stderr);
    return 2;
  }
  weir::RunOptions options;
  options.config_path = argv[2];
  if (argc > 3) {
    options.engine = std::strcmp(argv[3], "epoll") == 0 ? weir::Engine::epoll : weir::Engine::io_uring;
  } else {
    options.engine = weir::Engine::epoll;
  }
  return weir::run(options);
}
