# The three builds. Flags are set here and nowhere else.
if(NOT WEIR_FLAVOR MATCHES "^(release|checked|tsan)$")
  message(FATAL_ERROR "WEIR_FLAVOR is '${WEIR_FLAVOR}'; it must be release, checked or tsan")
endif()
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -gdwarf-4 -DNDEBUG")
set(CMAKE_CXX_FLAGS_CHECKED "-O1 -g1")

add_compile_options(
  -Wall -Wextra -Wno-deprecated-declarations -Werror -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers  # `{.code = x}` with defaults for the rest is how we write it
  -Wno-unused-parameter
  -fPIE -pthread -fcolor-diagnostics)
add_link_options(-pie)

if(WEIR_FLAVOR STREQUAL release)
  # Calls between rooms are inlined at link time; what did not change comes from the cache.
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  add_link_options(-Wl,-plugin-opt=cache-dir=${CMAKE_BINARY_DIR}/lto-cache)
  include(cmake/profile.cmake)
  # Hardening that costs nothing measurable on the path of a request.
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections,--as-needed)
elseif(WEIR_FLAVOR STREQUAL checked)
  set(weir_sanitize -fsanitize=address,undefined -fno-sanitize-recover=all)
  add_compile_options(${weir_sanitize} -fsanitize=fuzzer-no-link -fno-omit-frame-pointer
                      -D_GLIBCXX_ASSERTIONS)
  add_link_options(${weir_sanitize})
  # Of the tests' own code: what AddressSanitizer sees is enough, and two fifths of the time to
  # compile it are saved.
  set(weir_test_options -fno-sanitize=undefined -fno-sanitize=fuzzer-no-link)
else()
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=thread)
endif()

find_program(WEIR_MOLD mold)
if(WEIR_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Paths are hashed relative to the checkout, so that several checkouts share one cache.
find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      /usr/bin/env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${WEIR_CCACHE})
  add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
endif()
