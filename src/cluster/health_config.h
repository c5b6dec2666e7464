// What an upstream says about the checks of its endpoints.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

enum class HealthCheckType : std::uint8_t { http, tcp, grpc, exec };

constexpr auto enum_names(HealthCheckType) {
  return std::array{
      config::Name{"http", HealthCheckType::http,
                   "`GET` of a path; the status and, if asked for, the body decide."},
      config::Name{"tcp", HealthCheckType::tcp,
                   "Connects; with `send` and `expect` also says something and reads the answer."},
      config::Name{"grpc", HealthCheckType::grpc,
                   "Calls `grpc.health.v1.Health/Check`; `SERVING` is well."},
      config::Name{"exec", HealthCheckType::exec,
                   "Runs a program; exit status 0 is well, everything else is not."}};
}

/// Statuses of responses; both ends belong to it.
struct StatusRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  bool contains(std::uint16_t status) const { return first <= status && status <= last; }
  /// `200` or `300-399`; nothing if it is neither.
  static std::optional<StatusRange> parse(std::string_view text);
};

std::optional<config::Problem> check_status_range(std::string_view text);
std::optional<config::Problem> check_health_path(std::string_view text);
std::optional<config::Problem> check_health_host(std::string_view text);
/// An argument of `command`: which words in braces there are.
std::optional<config::Problem> check_health_argument(std::string_view text);

struct HealthConfig {
  HealthCheckType type = HealthCheckType::http;
  config::Duration every = std::chrono::seconds(5);
  std::optional<config::Duration> timeout;
  std::uint32_t fail = 3;
  std::uint32_t pass = 2;
  std::optional<std::uint16_t> port;
  bool tls = true;
  std::string path = "/health";
  std::string host;
  std::vector<std::string> status{"200-299"};
  std::string body;
  config::Located<std::string> body_regex;
  std::string send;
  std::string expect;
  std::string service;
  std::vector<config::Located<std::string>> command;

  /// How long one check may take, connecting included.
  config::Duration time_limit() const {
    return timeout.value_or(std::min<config::Duration>(every, std::chrono::seconds(2)));
  }

  // Every option belongs to the type that is checked by.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "health", "How each endpoint is checked. `health: {}` takes the defaults.",
      config::field<&HealthConfig::type>("type", "What a check does.", config::shorthand),
      config::field<&HealthConfig::every>(
          "every",
          "From the beginning of one check of an endpoint to that of the next; up to a tenth "
          "sooner, so that checks do not come in step.",
          config::range(std::chrono::milliseconds(100), std::chrono::hours(24))),
      config::field<&HealthConfig::timeout>(
          "timeout",
          "How long a check may take, connecting included; at most `every`. `auto` is 2s, or "
          "`every` if that is less.",
          config::none("auto"), config::range(std::chrono::milliseconds(1), std::chrono::hours(1))),
      config::field<&HealthConfig::fail>(
          "fail",
          "Failures in a row after which an endpoint is out. One is enough for an endpoint that "
          "never passed a check.",
          config::range(1, 1000)),
      config::field<&HealthConfig::pass>(
          "pass", "Passes in a row after which it is back in service.", config::range(1, 1000)),
      config::field<&HealthConfig::port>(
          "port", "Where the endpoint is checked; `auto` is the port that it serves on.",
          config::none("auto"), config::at_least(1), config::example("9000")),
      config::field<&HealthConfig::tls>(
          "tls", "With the TLS of the upstream, if it has any; `false` is in clear all the same."),
      config::field<&HealthConfig::path>("path", "For `http`: what is asked for.",
                                         config::check(&check_health_path)),
      config::field<&HealthConfig::host>("host",
                                         "For `http` and `grpc`: the Host field; empty is the name "
                                         "of the endpoint, or its address.",
                                         config::check(&check_health_host),
                                         config::example("shop.example")),
      config::field<&HealthConfig::status>(
          "status", "For `http`: statuses that are well, and ranges of them.", config::one_or_many,
          config::at_least_one, config::check(&check_status_range),
          config::example("[200, 204, 300-399]")),
      config::field<&HealthConfig::body>(
          "body", "For `http`: what the body must contain, in its first 64 KiB.",
          config::example("ready")),
      config::field<&HealthConfig::body_regex>(
          "body_regex", "The same as a regular expression of RE2.",
          config::example("\"status\\\": *\\\"(green|yellow)\"")),
      config::field<&HealthConfig::send>(
          "send", "For `tcp`: what is said after connecting. Double quotes take escapes.",
          config::example("\"PING\\r\\n\"")),
      config::field<&HealthConfig::expect>(
          "expect", "For `tcp`: what the answer must contain, in its first 64 KiB.",
          config::example("+PONG")),
      config::field<&HealthConfig::service>(
          "service", "For `grpc`: the service that is asked after; empty is the whole server."),
      config::field<&HealthConfig::command>(
          "command",
          "For `exec`: a program and its arguments. `{address}`, `{host}` and `{port}` stand for "
          "those of the endpoint.",
          config::check(&check_health_argument),
          config::example("[/usr/local/bin/check-db, \"{host}\", \"{port}\"]")));
};

}  // namespace weir
