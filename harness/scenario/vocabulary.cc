#include "harness/scenario/vocabulary.h"

#include <algorithm>

namespace crypelab::scenario {

std::vector<std::string_view> vocabulary() {
  std::vector<std::string_view> words{kRejectWith, kAcceptAfter, kPoliceRate, kLoseLoss, kSniRequired, kNoRelays};
  const auto keys = [&](const auto& list) { words.insert(words.end(), list.begin(), list.end()); };
  const auto values = [&](const auto& list) {
    for (const auto& word : list) words.push_back(word.name);
  };
  keys(kScenarioWords);
  keys(kSignalingWords);
  keys(kTurnWords);
  keys(kTurnServerWords);
  keys(kTurnRuleWords);
  keys(kSiteWords);
  keys(kPacWords);
  keys(kSocksWords);
  keys(kPortalWords);
  keys(kTlsInspectionWords);
  keys(kTlsRelayWords);
  keys(kUplinkWords);
  keys(kDirectionWords);
  keys(kLossWords);
  keys(kNatWords);
  keys(kCarrierWords);
  keys(kActionWords);
  keys(kMatchWords);
  keys(kFirstBytesWords);
  keys(kDnsWords);
  keys(kNat64Words);
  keys(kClientWords);
  keys(kProxyUseWords);
  keys(kWorkWords);
  keys(kEchoWords);
  keys(kThroughputWords);
  keys(kHoldWords);
  keys(kExpectWords);
  keys(kConnectedWords);
  keys(kPathWords);
  keys(kStaysWords);
  keys(kBypassWords);
  keys(kAttemptWords);
  keys(kEchoBoundWords);
  keys(kThroughputBoundWords);
  keys(kReportWords);
  keys(kTunnelWords);
  keys(kAllocationWords);
  keys(kProxyWords);
  keys(kFaultWords);
  keys(kProxyTlsWords);
  keys(kInspectWords);
  keys(kAgentWords);
  keys(kRouteWords);
  keys(kStepWords);
  keys(kCaseWords);
  values(kTiers);
  values(kTooBig);
  values(kDependences);
  values(kPortAssignments);
  values(kProtocols);
  values(kPayloads);
  values(kOtherwise);
  values(kUnreachables);
  values(kAnswers);
  values(kAaaa);
  values(kCarriers);
  values(kAuthSchemes);
  values(kIpLiterals);
  values(kInspectionAuthorities);
  values(kChallengeFields);
  values(kSignIns);
  values(kCuts);
  words.emplace_back(kAnswersOfProxy.back().name);  // the others are numbers
  values(kUpgrade);
  values(kPortalTls);
  values(kPortalDns);
  values(kInsides);
  values(kPrivateAuthorities);
  values(kTurnCredentials);
  values(kServerStates);
  values(kTurnOccasions);
  values(kTurnFaults);
  values(kTurnAlgorithms);
  values(kNoAnswer);
  values(kServerCertificates);
  values(kServerKeys);
  values(kNewAddress);
  values(kApps);
  values(kProxyModes);
  values(kProxyCredentials);
  values(kIcePolicies);
  values(kRelayTransports);
  values(kFlows);
  values(kDeliveries);
  values(kTraffic);
  values(kPathClasses);
  words.insert(words.end(), model::problem_codes().begin(), model::problem_codes().end());
  std::ranges::sort(words);
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

}  // namespace crypelab::scenario
