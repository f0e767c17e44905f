package lang

// chineseOrders is what the commands workers and audit say in Chinese.
var chineseOrders = map[string]string{
	"List the workers and what they run, or tell them to rest or stop": "列出 worker 和它们正在运行的任务，或让它们静默、停止",
	"List the workers, parameter workers of hotqueues among them, and the jobs that they run. A worker that has missed three heartbeats is lost; it is listed for a day.\n\nquiet, resume and stop ask something of workers; they do it within a heartbeat, or at once where the store can wake them.": "列出 worker（包括 hotqueue 队列的参数 worker）和它们正在运行的任务。漏掉三次心跳的 worker 视为失联，保留一天。\n\n" +
		"quiet、resume 和 stop 对 worker 提出要求；它们在一次心跳之内照办，存储能唤醒它们时则立即照办。",
	"Let workers claim no more jobs": "让 worker 不再领取任务",
	"Let workers claim no more jobs, until resume. What runs goes on, what was not begun goes back to its queue, and the process stays up: so a deploy can wait until a worker has nothing to do.": "让 worker 不再领取任务，直到 resume。正在运行的继续，尚未开始的退回队列，进程不退出：部署时便可等到 worker 无事可做。",
	"Let quiet workers claim jobs again": "让静默的 worker 重新领取任务", "Let workers that were made quiet claim jobs again.": "让静默的 worker 重新领取任务。",
	"Stop workers, as their first signal does": "停止 worker，如同第一个信号",
	"Stop workers as the first SIGTERM does: running jobs may finish, then the process ends. It asks before. Starting them again is the matter of what started them.": "如同第一个 SIGTERM 那样停止 worker：正在运行的任务可以做完，然后进程结束，并会先询问。重新启动由启动它们的程序负责。",
	"every worker that is not lost": "所有未失联的 worker", "use names of workers or --all, not both": "worker 名和 --all 只能用一个", "name workers as 'workers' lists them, or say --all": "请给出“workers”列出的 worker 名，或用 --all",
	"there is no worker %q: 'workers' lists them": "没有 worker %q：“workers”会列出它们", "Stop %s?": "要停止%s吗？",
	"Worker %s is to claim no more jobs.": "已要求 worker %s 不再领取任务。", "Worker %s is to claim jobs again.": "已要求 worker %s 重新领取任务。", "Worker %s is to stop.": "已要求 worker %s 停止。",
	"quiet or resume": "静默或恢复", "stop the worker": "停止 worker", "pause the queue or quiet the worker, or resume it": "暂停队列或让 worker 静默，或恢复它",

	"List who did what by hand": "列出谁手动做了什么",
	"List what people did to the store on the command line, the dashboard and the API, newest first. The newest 10,000 entries are kept, each for 90 days at most.": "列出人们通过命令行、仪表盘和 API 对存储做了什么，最新的在前。保留最新的 10,000 条，每条最多 90 天。",
	"how many `ENTRIES` at most": "最多列出 `ENTRIES` 条", "only what `PERSON` did, such as ann@web1": "只看 `PERSON` 做的，如 ann@web1", "only this `ACTION`: requeue, cancel, delete, pause, ...": "只看操作 `ACTION`：requeue、cancel、delete、pause……",
	"--limit %d: use 1 to %d": "--limit %d：须为 1 到 %d", "Nobody has done anything.": "还没有人做过什么。", "WHO": "谁", "VIA": "途径", "ACTION": "操作", "TARGET": "对象", "COUNT": "数目",
	"Note: it is done, but the audit log does not have it: %v": "注意：已经执行，但没有记入操作日志：%v", "it is done, but the audit log does not have it: %v": "已经执行，但没有记入操作日志：%v",
}
