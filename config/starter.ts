/** What `vedette config init` writes: the least that watches something, ready to be changed. */
export const STARTER = `# Configuration of Vedette. \`vedette config check\` says what is wrong, with line and column;
# \`vedette config print\` shows every value with its origin. All options: config.example.yaml.

server:
  people: { address: 127.0.0.1, port: 8080 } # the page: http://localhost:8080
  agents: { address: 127.0.0.1, port: 8081 } # beyond this machine: give tls: { cert: FILE, key: FILE }

sites:
  - { id: hub, name: Main office, hub: true, users: 50 }
  - { id: branch, name: First branch, users: 12 }

# Our process at the main office. Its token: \`vedette token create hub-a\`.
agents:
  - { id: hub-a, site: hub }

# Change the addresses (192.0.2.x exists nowhere). SNMP is worth it: errors, load, counters.
devices:
  - { id: hub-router, site: hub, address: 192.0.2.1 }
  - { id: branch-router, site: branch, address: 192.0.2.65 }
#   snmp: { credential: branches }

# credentials:
#   branches: { version: 2c, community: { env: SNMP_COMMUNITY } }

links:
  - id: branch-wan
    kind: wan
    site: branch
    peer: hub
    provider: Your provider
    circuit: the number to read out on the telephone
    ends: [{ device: branch-router }]
    probes:
      - { from: hub-a, icmp: 192.0.2.65 }

tickets:
  # First look, then send: in mode observe everything is shown and nothing leaves.
  mode: observe
# destinations:
#   - id: service-desk
#     url: https://desk.example.com/hooks/vedette
#     secrets: [{ env: WEBHOOK_SECRET }] # made with: echo "whsec_$(openssl rand -base64 32)"
`;
