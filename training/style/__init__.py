"""Style networks: training, export and judgement (Dumoulin et al. 2017; Johnson et al. 2016)."""
