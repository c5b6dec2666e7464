// A DNS server of the simulation that knows one name, and for a while answers anything but that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"
#include "io/dns/scripted_answers.h"
#include "io/sim/network.h"

namespace weir::sim {

class MoodyDns {
 public:
  MoodyDns(SimNetwork& network, std::string_view address, std::vector<std::string> known,
           std::uint64_t seed)
      : known_(std::move(known)), random_(seed) {
    network.serve_datagrams(*Address::parse(address),
                            [this](std::string_view query) { return answers(query); });
  }

  /// Ill: no answer, failures, names denied, answers without addresses; now and then a right one.
  void turn(bool ill) { ill_ = ill; }

 private:
  std::vector<std::string> answers(std::string_view query) {
    dns::ScriptedAnswer answer(query);
    switch (ill_ ? random_.below(5) : 4) {
      case 0: return {};
      case 1: return {answer.code(2).bytes()};  // SERVFAIL
      case 2: return {answer.code(3).bytes()};  // NXDOMAIN
      case 3: return {answer.bytes()};          // no record of that type
    }
    dns::Asked question = dns::asked(query);
    if (question.type == 1) {
      for (const std::string& ip : known_) answer.a(question.name, 1, ip);
    }
    return {answer.bytes()};
  }

  std::vector<std::string> known_;
  Random random_;
  bool ill_ = false;
};

}  // namespace weir::sim
