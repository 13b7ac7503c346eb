--- What kubeadm does to nodes, as resource types.
require "kubeadm/first"
require "kubeadm/join"
require "kubeadm/token"
require "kubeadm/certificates"
require "kubeadm/node"
require "kubeadm/image"
require "kubeadm/snapshot"
return {}
