// Relays are reached directly, everything else through the proxy.
function FindProxyForURL(url, host) {
  if (shExpMatch(host, "turn*.crype.test")) return "DIRECT";
  return "PROXY proxy.office.test:3128";
}
