// Two edges of a cloud proxy; the second one stands in when the first is not reached.
function FindProxyForURL(url, host) {
  if (isPlainHostName(host) || dnsDomainIs(host, ".office.test")) return "DIRECT";
  return "PROXY edge-1.office.test:80; PROXY edge-2.office.test:443";
}
