#include "config/document.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace weir::config {
namespace {

TEST(ReadFile, says_why_a_file_cannot_be_read) {
  Diagnostics diagnostics;
  EXPECT_FALSE(read_file("/nonexistent/weir.yaml", diagnostics));
  EXPECT_EQ(diagnostics.render(),
            "/nonexistent/weir.yaml: error W1001: cannot read the file: No such file or "
            "directory\n1 error\n");
  Diagnostics directory;
  EXPECT_FALSE(read_file("/", directory));
  EXPECT_NE(directory.render().find("Is a directory"), std::string::npos);
}

TEST(ReadFile, refuses_a_file_that_never_ends) {
  Diagnostics diagnostics;
  const auto document = read_file("/dev/zero", diagnostics);
  EXPECT_FALSE(diagnostics.ok());
  EXPECT_EQ(diagnostics.sorted()[0].code, Code::file_too_large);
}

TEST(ReadFile, reads_a_file) {
  char path[] = "/tmp/weir_config_XXXXXX";
  const int fd = mkstemp(path);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, "flag: true\n", 11), 11);
  ::close(fd);
  Diagnostics diagnostics;
  const auto document = read_file(path, diagnostics);
  ::unlink(path);
  ASSERT_TRUE(document);
  EXPECT_TRUE(diagnostics.ok());
  EXPECT_TRUE(document->complete());
  EXPECT_EQ(document->tree.root().first_child().text(), "flag");
}

}  // namespace
}  // namespace weir::config
