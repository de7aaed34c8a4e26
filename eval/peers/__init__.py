"""Other systems on the same datasets: what a collection of texts would be searched with if this program were not there.

All take the passages that this program cuts, one vector each from the same model, and none corrects for languages; a
document is as good as its best passage. Their packages are no requirement of the product: see requirements.txt.
"""

from eval.peers.peer import Peer, PeerError, PeerOutcome
from eval.peers.systems import NAMES, peers
from eval.peers.table import peer_results, peer_table

__all__ = ["NAMES", "Peer", "PeerError", "PeerOutcome", "peer_results", "peer_table", "peers"]
