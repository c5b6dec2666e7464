# Refuses a compiler that breaks coroutines; the reasons are in tests/toolchain/.
#
# The result is cached under a name made of the test's own hash, so that configuring again costs
# nothing and a changed test runs again.
function(weir_check_toolchain)
  set(source ${CMAKE_SOURCE_DIR}/tests/toolchain/coroutines.cc)
  file(SHA256 ${source} hash)
  string(SUBSTRING ${hash} 0 12 hash)
  if(DEFINED WEIR_TOOLCHAIN_${hash})
    return()
  endif()
  set(level -O2)
  if(NOT WEIR_FLAVOR STREQUAL release)
    set(level -O1)
  endif()
  set(compiler "${CMAKE_CXX_COMPILER} (${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION})")
  message(STATUS "Checking that the compiler destroys coroutine temporaries once")
  unset(toolchain_exit CACHE)
  set(CMAKE_TRY_COMPILE_CONFIGURATION Release)
  set(CMAKE_CXX_FLAGS_RELEASE ${level})
  try_run(toolchain_exit toolchain_compiled ${CMAKE_BINARY_DIR}/toolchain ${source}
    COMPILE_OUTPUT_VARIABLE compile_output
    RUN_OUTPUT_VARIABLE run_output)
  set(result "${toolchain_exit}")
  set(compiled "${toolchain_compiled}")
  unset(toolchain_exit CACHE)
  unset(toolchain_compiled CACHE)

  if(NOT compiled)
    message(FATAL_ERROR "${compiler} cannot compile the toolchain test (C++23 with coroutines and "
      "std::expected). Use clang 19: scripts/setup installs it, the presets select it.\n"
      "${compile_output}")
  elseif(NOT result STREQUAL "0")
    message(FATAL_ERROR "${compiler} miscompiles coroutines at ${level}. These patterns of ordinary "
      "code went wrong:\n${run_output}\n"
      "Weir built with it would corrupt memory. Use clang 19: scripts/setup installs it, the "
      "presets select it. The test is tests/toolchain/coroutines.cc.")
  endif()
  set(WEIR_TOOLCHAIN_${hash} passed CACHE INTERNAL "tests/toolchain/coroutines.cc")
  message(STATUS "Checking that the compiler destroys coroutine temporaries once - yes")
endfunction()
weir_check_toolchain()

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Weir is built with clang 19 or newer; this is ${CMAKE_CXX_COMPILER_ID} "
    "${CMAKE_CXX_COMPILER_VERSION}. scripts/setup installs it, the presets select it.")
endif()
