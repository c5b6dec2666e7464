# What comes from the distribution's packages; scripts/setup installs them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(uring REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(absl REQUIRED)
find_package(GTest REQUIRED)
if(WEIR_FLAVOR STREQUAL release)
  find_package(benchmark REQUIRED)
endif()

# Debian builds abseil with its own string_view: absl::string_view is not std::string_view.
set(weir_abseil absl::flat_hash_map absl::flat_hash_set absl::hash absl::btree)
