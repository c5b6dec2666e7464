# What nearly every file includes is parsed once per build: it saves a third of the time to compile.
# Only the standard library and what comes from the distribution: headers of Weir change too often.
set(weir_common_headers
  <algorithm> <array> <atomic> <charconv> <chrono> <coroutine> <cstdint> <cstring> <deque> <expected>
  <functional> <map> <memory> <mutex> <optional> <random> <span> <string> <string_view> <thread>
  <unordered_map> <utility> <variant> <vector> <absl/container/flat_hash_map.h> <fmt/format.h>)
set(weir_test_headers <gmock/gmock.h> <gtest/gtest.h>)

add_compile_options("SHELL:-Xclang -fno-pch-timestamp")

# weir_precompile(<target> <header>...): the precompiled headers that weir_use_precompiled() gives to
# targets with the same options.
#
# ccache must know one checkout's headers for another's: it takes the checksum beside a precompiled
# header for its content, which holds the checkout's path. When a package of the distribution
# changes, the checksum is made again.
function(weir_precompile name)
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.cc "")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cc)
  target_precompile_headers(${name} PRIVATE ${ARGN})
  list(TRANSFORM ARGN PREPEND "#include " OUTPUT_VARIABLE includes)
  list(JOIN includes "\n" includes)
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.h "${includes}\n")
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++23 -E -P ${CMAKE_BINARY_DIR}/${name}.h
    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(SHA256 checksum "${text}")
  file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/${name}.dir/cmake_pch.hxx.pch.sum ${checksum})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS /var/lib/dpkg/status)
endfunction()

# Named relative to the build directory, where the compiler runs: CMake's own REUSE_FROM names it
# by a path that differs from checkout to checkout.
function(weir_use_precompiled target name)
  set(header CMakeFiles/${name}.dir/cmake_pch.hxx.pch)
  target_compile_options(${target} PRIVATE "SHELL:-include-pch ${header}")
  get_target_property(sources ${target} SOURCES)
  weir_await_precompiled(${name} ${sources})
endfunction()

# For sources that such a target gets later.
function(weir_await_precompiled name)
  set(header CMakeFiles/${name}.dir/cmake_pch.hxx.pch)
  set_property(SOURCE ${ARGN} APPEND PROPERTY OBJECT_DEPENDS ${CMAKE_BINARY_DIR}/${header})
endfunction()
