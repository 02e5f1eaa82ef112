"""What a load would feel like and cost: discrete events over the topology, scaled by the policy that scales the real one."""
