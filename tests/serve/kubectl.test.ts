/** The real kubectl over HTTPS and the one inside say the same, command by command, in two worlds of one seed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { mask } from "./masks";
import { InnerWorld, type Outcome, ServedWorld } from "./world";

const manifest = `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  colour: blue
---
apiVersion: v1
kind: Pod
metadata:
  name: toolbox
  labels: {app: toolbox}
spec:
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo started; sleep 3600"]
    envFrom:
    - configMapRef: {name: settings}
`;

const wrong = `apiVersion: v1
kind: Pod
metadata:
  name: wrong
spec:
  containers:
  - name: main
    image: busybox
    imagePullPolicies: Always
`;

/** In this order: each stands on what those before it did. */
const commands: readonly string[] = [
  "kubectl get nodes",
  "kubectl get namespaces -o name",
  "kubectl api-resources --api-group=apps",
  "kubectl api-versions",
  "kubectl cluster-info | sed 's/https:[^ ]*:[0-9]*/<server>/' | head -1 | cat -v | sed 's/\\^\\[\\[[0-9;]*m//g'",
  "kubectl create namespace team-a",
  "kubectl create deployment web --image=nginx --replicas=2 --port=80",
  "kubectl rollout status deployment/web | tail -1",
  "kubectl get deployment web",
  "kubectl get deployment web -o wide",
  "kubectl get deployment web -o jsonpath='{.spec.replicas} {.status.readyReplicas}{\"\\n\"}'",
  "kubectl get deployment web -o custom-columns=NAME:.metadata.name,IMAGE:.spec.template.spec.containers[*].image",
  "kubectl get deployment web -o go-template='{{.metadata.name}} {{.spec.replicas}}{{\"\\n\"}}'",
  "kubectl get deployment web -o yaml",
  "kubectl get pods -l app=web --no-headers | wc -l",
  "kubectl expose deployment web --port=80",
  "kubectl get service web",
  "kubectl describe service web",
  "kubectl describe deployment web",
  "kubectl apply -f app.yaml",
  "kubectl wait --for=condition=Ready pod/toolbox --timeout=60s",
  "kubectl apply -f app.yaml",
  "kubectl apply -f wrong.yaml",
  "kubectl apply --server-side -f app.yaml --force-conflicts",
  "kubectl diff -f app.yaml",
  "kubectl logs toolbox",
  "kubectl logs missing",
  "kubectl exec toolbox -- env | grep colour",
  "kubectl exec toolbox -- sh -c 'echo out; echo err >&2; exit 3'",
  "echo piped | kubectl exec -i toolbox -- cat",
  "kubectl label pod toolbox tier=tools",
  "kubectl annotate pod toolbox note=hello",
  "kubectl get pod toolbox --show-labels",
  "kubectl get pods,services -l app=web -o name | grep service",
  "kubectl scale deployment web --replicas=3",
  "kubectl rollout status deployment/web | tail -1",
  "kubectl set image deployment/web nginx=nginx:1.27",
  "kubectl rollout status deployment/web | tail -1",
  "kubectl rollout history deployment/web",
  "kubectl rollout undo deployment/web",
  "kubectl autoscale deployment web --min=2 --max=5 --cpu=80%",
  "kubectl create configmap more --from-literal=a=1 --from-literal=b=2",
  "kubectl create secret generic keys --from-literal=password=s3cret",
  "kubectl get secret keys -o jsonpath='{.data}'",
  "kubectl create serviceaccount robot",
  "kubectl create role reader --verb=get,list --resource=pods",
  "kubectl create rolebinding robot-reads --role=reader --serviceaccount=default:robot",
  "kubectl create clusterrole all-reader --verb=get --resource=nodes",
  "kubectl create quota small -n team-a --hard=pods=2",
  "kubectl create job once --image=busybox -- echo done",
  "kubectl wait --for=condition=complete job/once --timeout=60s",
  "kubectl create cronjob often --image=busybox --schedule='*/5 * * * *' -- date",
  "kubectl create ingress front --rule='example.com/*=web:80'",
  "kubectl create poddisruptionbudget web --selector=app=web --min-available=1",
  "kubectl create priorityclass high --value=1000",
  "kubectl create service nodeport door --tcp=80:80",
  "kubectl get ingress,pdb,hpa,cronjob -o name",
  "kubectl get role reader -o yaml",
  "kubectl get cronjob often -o jsonpath='{.spec}'",
  "kubectl create token robot | cut -c1-3",
  "kubectl auth can-i create deployments",
  "kubectl auth can-i delete pods --as=system:serviceaccount:default:robot",
  "kubectl auth can-i list pods --as=system:serviceaccount:default:robot",
  "kubectl auth whoami",
  "kubectl get pods --as=system:serviceaccount:default:robot -n team-a",
  "kubectl top nodes --no-headers | wc -l",
  "kubectl explain deployment.spec.replicas | head -4",
  "kubectl explain pod.spec.nonsense",
  "kubectl get nonsense",
  "kubectl get pod missing",
  'kubectl patch deployment web -p \'{"spec":{"replicas":2}}\'',
  "kubectl get events --field-selector involvedObject.name=toolbox,reason=Scheduled -o custom-columns=R:.reason,M:.message",
  "kubectl cordon worker-1",
  "kubectl drain worker-1 --ignore-daemonsets --delete-emptydir-data --force >/dev/null 2>&1; kubectl get pods -A --field-selector spec.nodeName=worker-1 -o jsonpath='{.items[*].metadata.ownerReferences[*].kind}'",
  "kubectl uncordon worker-1",
  "kubectl taint nodes worker-2 dedicated=x:NoSchedule",
  "kubectl get --raw /api/v1/namespaces/team-a | head -c 60",
  "kubectl delete configmap settings more",
  "kubectl delete deployment web",
  "kubectl delete namespace team-a",
  "kubectl get deployments",
];

let outer: ServedWorld;
let inner: InnerWorld;
let outcomes: { readonly line: string; readonly real: Outcome; readonly ours: Outcome }[];

beforeAll(async () => {
  outer = await ServedWorld.start("kubernetes", "kubectl");
  inner = new InnerWorld("kubernetes");
  for (const world of [outer, inner]) {
    world.write("app.yaml", manifest);
    world.write("wrong.yaml", wrong);
  }
  outcomes = [];
  for (const line of commands) outcomes.push({ line, real: await outer.run(line), ours: inner.run(line) });
}, 120_000);

afterAll(() => outer?.close());

const masked = ({ stdout, stderr, exit }: Outcome): Outcome => ({ stdout: mask(stdout), stderr: mask(stderr), exit });

test.for(commands.map((line, i) => [i, line] as const))("%i: %s", ([i]) => {
  const { real, ours } = outcomes[i]!;
  expect(masked(ours)).toEqual(masked(real));
});
