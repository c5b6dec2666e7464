#include "handler/static_files/media_types.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace weir {
namespace {

TEST(MediaTypes, common_ones_are_known_without_a_table) {
  MediaTypes types = MediaTypes::from_file("/nonexistent");
  EXPECT_EQ(types.of("a/b.html"), "text/html; charset=utf-8");
  EXPECT_EQ(types.of("a.tar.GZ"), "application/gzip");
  EXPECT_EQ(types.of("x.woff2"), "font/woff2");
  EXPECT_EQ(types.of("a.html/b"), "application/octet-stream");
  EXPECT_EQ(types.of("a."), "application/octet-stream");
  EXPECT_EQ(types.of(""), "application/octet-stream");
}

TEST(MediaTypes, the_system_s_table_comes_first) {
  std::string path = "/tmp/weir-mime-XXXXXX";
  ::close(::mkstemp(path.data()));
  std::ofstream(path) << "# a comment\n\napplication/x-own\t\town html # why not\n"
                         "application/empty\nnonsense abc\ntext/x-late own\n";
  MediaTypes types = MediaTypes::from_file(path);
  ::unlink(path.c_str());
  EXPECT_EQ(types.of("a.own"), "application/x-own");
  EXPECT_EQ(types.of("a.html"), "application/x-own");
  EXPECT_EQ(types.of("a.abc"), "application/octet-stream");
  EXPECT_EQ(types.of("a.css"), "text/css; charset=utf-8");
}

}  // namespace
}  // namespace weir
