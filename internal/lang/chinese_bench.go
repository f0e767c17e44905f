package lang

// chineseBench is what the command bench says in Chinese.
var chineseBench = map[string]string{
	"Measure the store": "测量存储的性能",
	"Measure what this program gets out of the store from here: jobs enqueued a second by one producer, by 64 and in bulk, jobs run a second by a worker that runs 1, 10 and 100 at a time, and the time from enqueue to start in an idle worker. Jobs do nothing and carry 100 bytes.\n\nThat every job ran exactly once is checked. The jobs are in a queue of their own, errand-bench, and gone afterwards; its name stays in the lists. Where the store has other jobs, their workers will feel it: it asks before.": "测量本程序从这里能让存储发挥多少：一个生产者、64 个生产者和批量入队时每秒入队的任务数；worker 同时运行 1、10、100 个任务时每秒运行的任务数；以及空闲的 worker 从入队到开始的时间。任务什么也不做，带 100 字节。\n\n" +
		"会检查每个任务恰好运行一次。任务放在自己的队列 errand-bench 里，事后删除；队列名会留在列表里。如果存储里有别的任务，它们的 worker 会受影响：会先询问。",
	"enqueue for `D` in each measure": "每项测量入队 `D` 之久", "--time %s: use more than 0 and 10m at most": "--time %s：须大于 0，最多 10m",
	"The store has %s of others, whose workers will feel the bench. Measure all the same?": "存储里有别的%s，它们的 worker 会受影响。仍要测量吗？",
	"errand %s, %s, %s, %s; jobs of %s":                                                    "errand %s，%s，%s，%s；任务 %s", "%s CPUs": "%s 个 CPU", "%s in %s": "%s，用时 %s",
	"enqueue, 1 producer": "入队，1 个生产者", "enqueue, 64 producers": "入队，64 个生产者", "enqueue in bulk": "批量入队", "run, 1 at a time": "运行，同时 1 个", "run, 10 at a time": "运行，同时 10 个", "run, 100 at a time": "运行，同时 100 个",
	"pickup by an idle worker": "空闲 worker 领取", "p95 %s, p99 %s, at most %s, of %s": "p95 %s，p99 %s，最多 %s，共 %s",
	"the figures are void: of %d jobs %d were lost and %d ran more than once": "数字无效：%d 个任务中，%d 个丢失，%d 个运行了不止一次", "Each of %s jobs ran exactly once.": "%s 个任务各恰好运行一次。",
}
