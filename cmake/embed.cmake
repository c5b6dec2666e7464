# weir_embed(<target> <folder>): makes the files of a folder part of a library, by way of
# generated/<folder>_files.cc. Written when CMake configures, which it does again when one of them
# has changed. The files are text in ASCII, and do not contain `)WEIR"`.
function(weir_embed target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.html ${folder}/*.css ${folder}/*.js)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(entries "")
  foreach(file ${files})
    cmake_path(GET file FILENAME name)
    file(READ ${file} text)
    string(APPEND entries "    {\"${name}\", R\"WEIR(${text})WEIR\"},\n")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/generated/${folder}_files.cc)
  set(content "// Written by cmake/embed.cmake from the folder ${folder}.
#include \"admin/dashboard.h\"

namespace weir {
namespace {

constexpr DashboardFile kFiles[] = {
${entries}};

}  // namespace

std::span<const DashboardFile> dashboard_files() { return kFiles; }

}  // namespace weir
")
  set(before "")
  if(EXISTS ${source})
    file(READ ${source} before)
  endif()
  if(NOT before STREQUAL content)
    file(WRITE ${source} "${content}")
  endif()
  target_sources(${target} PRIVATE ${source})
  weir_await_precompiled(weir_precompiled ${source})
endfunction()
