# A small installation to try releases on: about 200 dollars a month (README).

environment = "staging"
region      = "eu-central-1"
base_host   = "staging.porchlight.example"
image       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/porchlight-staging:0.1.0"
alarm_email = "operators@porchlight.example"

protect      = false
log_days     = 7
nat_per_zone = false

services = {
  web    = { cpu = 256, memory = 1024, least = 1, most = 2 }
  ws     = { cpu = 256, memory = 1024, least = 1, most = 2 }
  worker = { cpu = 256, memory = 1024, least = 1, most = 1 }
}

database_pool = 8
database = {
  instance_class  = "db.t4g.small"
  storage         = 20
  storage_most    = 50
  backup_days     = 3
  standby         = false
  max_connections = 150
}

valkey = {
  node_type = "cache.t4g.micro"
  primaries = 1
  replicas  = 0
}
