"""PAC-Bayes bounds: their terms, the search for a posterior, the certificate."""
