# Profile-guided optimisation of the release: which branches a proxy under load takes was counted
# once by scripts/profile and stands in release.proftext. Worth a sixth of the user time of a plain
# request. Functions that have changed since are compiled as if they had no profile.
set(WEIR_PROFILE use CACHE STRING "use the recorded profile, record one, or off")
set_property(CACHE WEIR_PROFILE PROPERTY STRINGS use record off)

set(weir_profile_text ${CMAKE_SOURCE_DIR}/cmake/release.proftext)
# Names of local functions must not depend on where the checkout lies.
set(weir_profile_names "SHELL:-mllvm -static-func-full-module-prefix=false")

if(WEIR_PROFILE STREQUAL record)
  add_compile_options(-fprofile-generate ${weir_profile_names})
  add_link_options(-fprofile-generate)
elseif(WEIR_PROFILE STREQUAL use AND EXISTS ${weir_profile_text})
  # Named by its content: with another profile every command line is another, and all is compiled
  # again. Objects of two profiles do not link.
  file(SHA256 ${weir_profile_text} weir_profile_hash)
  string(SUBSTRING ${weir_profile_hash} 0 12 weir_profile_hash)
  set(weir_profile ${CMAKE_BINARY_DIR}/release-${weir_profile_hash}.profdata)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${weir_profile_text})
  find_program(WEIR_PROFDATA llvm-profdata-19 REQUIRED)
  execute_process(COMMAND ${WEIR_PROFDATA} merge ${weir_profile_text} -o ${weir_profile}
                  COMMAND_ERROR_IS_FATAL ANY)
  add_compile_options(-fprofile-use=release-${weir_profile_hash}.profdata ${weir_profile_names}
                      -Wno-profile-instr-out-of-date -Wno-profile-instr-unprofiled
                      -Wno-backend-plugin)  # a hash that no longer matches: the profile is old there
endif()
