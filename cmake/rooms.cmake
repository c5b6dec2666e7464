# Turns the folders of src/, tests/ and bench/ into targets. New files need no line here.
include(GoogleTest)

set(weir_below "")       # libraries of the floors below the current one
set(weir_this_floor "")  # libraries of the current floor
set(weir_rooms "")       # every room's library

# weir_floor(<room> [COLD] [USES <library>...]): starts the next floor with this room.
macro(weir_floor name)
  list(APPEND weir_below ${weir_this_floor})
  set(weir_this_floor "")
  weir_room(${name} ${ARGN})
endmacro()

# weir_room(<room> [COLD] [USES <library>...]): one more room on the current floor.
#   weir_<room>: src/<room>/**/*.cc without tests, benchmarks and main.cc
#   <room>_test: src/<room>/**/*_test.cc
# COLD: nothing of it is on the path of a request; compiled with -O1 and without link-time
# optimisation, which takes half as long.
macro(weir_room name)
  weir_room_targets(${name} ${ARGN})
  list(APPEND weir_this_floor weir_${name})
  list(APPEND weir_rooms weir_${name})
endmacro()

function(weir_room_targets name)
  cmake_parse_arguments(room "COLD" "" "USES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/src/app/main.cc)
  if(sources)
    add_library(weir_${name} STATIC ${sources})
    target_link_libraries(weir_${name} PUBLIC ${weir_below} ${room_USES})
    weir_use_precompiled(weir_${name} weir_precompiled)
    if(room_COLD AND WEIR_FLAVOR STREQUAL release)
      set_target_properties(weir_${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
      target_compile_options(weir_${name} PRIVATE -O1)
    endif()
  else()
    add_library(weir_${name} INTERFACE)
    target_link_libraries(weir_${name} INTERFACE ${weir_below} ${room_USES})
  endif()
  if(tests)
    weir_test(${name}_test LABEL unit SOURCES ${tests} LINK weir_${name})
  endif()
endfunction()

# One gtest binary; each of its cases is a ctest test of its own, so that two cores share them.
function(weir_test name)
  cmake_parse_arguments(test "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  add_executable(${name} ${test_SOURCES})
  if(WEIR_FLAVOR STREQUAL release)
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)  # `make build` is the program
  endif()
  target_compile_options(${name} PRIVATE ${weir_test_options})
  weir_use_precompiled(${name} weir_test_precompiled)
  target_link_libraries(${name} PRIVATE ${test_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    PROPERTIES LABELS ${test_LABEL} TIMEOUT ${test_TIMEOUT})
endfunction()

function(weir_program)
  if(EXISTS ${CMAKE_SOURCE_DIR}/src/app/main.cc)
    add_executable(weir src/app/main.cc)
    target_link_libraries(weir PRIVATE weir_app)
    install(TARGETS weir RUNTIME DESTINATION bin)
  endif()
endfunction()

function(weir_simulation)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS tests/sim/*.cc)
  if(sources)
    weir_test(sim_test LABEL simulation TIMEOUT 14400 SOURCES ${sources} LINK ${weir_rooms})
  endif()
endfunction()

# What tests/tsan.txt lists, linked with the low rooms: threads_test, in the tsan build only.
function(weir_threads)
  if(NOT WEIR_FLAVOR STREQUAL tsan)
    return()
  endif()
  file(STRINGS tests/tsan.txt sources REGEX "^[^#]")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS tests/tsan.txt)
  weir_test(threads_test LABEL threads SOURCES ${sources} LINK weir_cluster)
endfunction()

# tests/fuzz/<name>.cc -> fuzz_<name>, in the checked build only.
function(weir_fuzz)
  file(GLOB sources CONFIGURE_DEPENDS tests/fuzz/*.cc)
  if(NOT WEIR_FLAVOR STREQUAL checked)
    return()
  endif()
  add_custom_target(fuzz_targets)
  foreach(source ${sources})
    cmake_path(GET source STEM name)
    add_executable(fuzz_${name} ${source})
    target_link_libraries(fuzz_${name} PRIVATE ${weir_rooms})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz_targets fuzz_${name})
  endforeach()
endfunction()

# bench/floor/<name>.cc -> floor_<name>; bench/load/<name>.cc -> load_<name>;
# src/**/<name>_bench.cc -> <name>_bench. Release only, built on request:
#   bench_programs: what drives the scenarios
#   micro_benches: what measures one part alone
function(weir_bench)
  file(GLOB floors CONFIGURE_DEPENDS bench/floor/*.cc)
  file(GLOB loads CONFIGURE_DEPENDS bench/load/*.cc)
  file(GLOB_RECURSE benches CONFIGURE_DEPENDS src/*_bench.cc)
  if(NOT WEIR_FLAVOR STREQUAL release)
    return()
  endif()
  add_custom_target(bench_programs)
  add_custom_target(micro_benches)
  foreach(source ${floors})
    cmake_path(GET source STEM name)
    add_executable(floor_${name} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(floor_${name} PRIVATE PkgConfig::uring Threads::Threads)
    add_dependencies(bench_programs floor_${name})
  endforeach()
  foreach(source ${loads})
    cmake_path(GET source STEM name)
    add_executable(load_${name} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(load_${name} PRIVATE OpenSSL::SSL)
    add_dependencies(bench_programs load_${name})
  endforeach()
  foreach(source ${benches})
    cmake_path(GET source STEM name)
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${name} PRIVATE ${weir_rooms} benchmark::benchmark_main)
    add_dependencies(micro_benches ${name})
  endforeach()
endfunction()
