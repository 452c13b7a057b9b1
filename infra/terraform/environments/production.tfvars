# For 10,000 open sockets at first, and 100,000 without another change than of these numbers (README).

environment = "production"
region      = "eu-central-1"
base_host   = "porchlight.example"
image       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/porchlight-production:0.1.0"
alarm_email = "operators@porchlight.example"

protect      = true
log_days     = 30
nat_per_zone = true

services = {
  web    = { cpu = 512, memory = 1024, least = 2, most = 8 }
  ws     = { cpu = 1024, memory = 2048, least = 3, most = 25 }
  worker = { cpu = 512, memory = 1024, least = 2, most = 4 }
}
connections_per_task = 4000

database_pool = 10
database = {
  instance_class  = "db.m7g.large"
  storage         = 100
  storage_most    = 1000
  backup_days     = 14
  standby         = true
  max_connections = 1100
}

valkey = {
  node_type = "cache.t4g.small"
  primaries = 2
  replicas  = 1
}
