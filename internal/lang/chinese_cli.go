package lang

// chineseCLI is what the command line says in Chinese, besides its help.
var chineseCLI = map[string]string{
	", ": "，", ".": "。",

	// Titles of tables.
	"ID": "编号", "QUEUE": "队列", "TASK": "任务名", "STATE": "状态", "ATTEMPT": "尝试", "ATTEMPTS": "尝试", "WHEN": "时间", "ABOUT": "内容", "ERROR": "错误", "NOW": "现在",
	"QUEUED": "排队中", "STARTED": "运行中", "SCHEDULED": "已定时", "DEFERRED": "等待依赖", "FAILED": "失败", "FINISHED": "已完成", "CANCELED": "已取消",
	"IN/MIN": "入/分", "DONE/MIN": "成/分", "FAIL/MIN": "败/分", "OLDEST": "最久等待", "NOTE": "备注",
	"HOTQUEUE": "HOTQUEUE 队列", "MESSAGES": "消息", "PUT/MIN": "放/分", "GOT/MIN": "取/分",
	"WORKER": "WORKER 进程", "KIND": "种类", "MEMORY": "内存", "STATUS": "状况", "SEEN": "最近心跳", "UP": "已运行", "RUNS": "正在运行", "QUEUES": "队列", "JOB": "任务", "FOR": "时长",
	"EXTENSION": "扩展名", "FILES": "文件", "BYTES": "字节", "LINES": "行数", "LARGEST FILES": "最大的文件",

	// Quantities and times.
	"%s jobs": "%s 个任务", "%s messages": "%s 条消息", "%s workers": "%s 个 worker 进程", "%s files": "%s 个文件", "%s lines": "%s 行",
	"%s ago": "%s前", "in %s": "%s后", "waits %s": "已等待 %s", "runs %s": "已运行 %s", "ran %s": "运行了 %s", ", ran %s": "，运行了 %s", "%s jobs/s": "每秒 %s 个任务",
	"%s done": "已处理 %s", "%s of %s (%d %%)": "%s / %s 已处理（%d %%）",

	// Queues and workers.
	"No queues yet": "还没有队列", "No queues yet.": "还没有队列。", "No workers": "没有 worker", "No workers.": "没有 worker。", ", %d alive": "，%d 个在运行", "alive": "正常",
	"per minute: %s in, %s finished, %s failed": "每分钟：入队 %s，完成 %s，失败 %s", "per minute: %s put, %s got": "每分钟：放入 %s，取出 %s", "oldest waits %s": "最久的已等待 %s",
	"(parameter worker)": "（参数 worker）", "lost, last seen %s": "失联，最近心跳在%s", "runs %d of %d, up %s, %s finished, %s failed": "正在运行 %d / %d，已启动 %s，完成 %s，失败 %s",
	"stuck: its context has ended": "卡住：context 已结束", "%s (%s), attempt %d, for %s": "%s（%s），第 %d 次尝试，已运行 %s",
	"Queue %s paused.": "队列 %s 已暂停。", "Queue %s resumed.": "队列 %s 已恢复。", "Note: queue %s has never had a job.": "注意：队列 %s 从未有过任务。",
	"there is no queue %q: 'queues' lists them": "没有队列 %q：“queues”会列出它们", "there is no hotqueue %q: 'queues' lists them": "没有 hotqueue 队列 %q：“queues”会列出它们",
	"%s is a hotqueue: --messages removes its messages (%s)":                                                               "%s 是 hotqueue 队列：--messages 会删除它的消息（%s 条）",
	"there is no database %s: name another with --store URL or $ERRAND_STORE, or make it with '%s enqueue' or '%s worker'": "没有数据库 %s：请用 --store URL 或 $ERRAND_STORE 指定别的，或用“%s enqueue”、“%s worker”建立它",

	// One job.
	"Job %s": "任务 %s", "task": "任务名", "queue": "队列", "state": "状态", "priority": "优先级", "enqueued": "入队", "runs": "运行于", "ready": "就绪", "ended": "结束", "lease": "租约", "worker": "worker 进程",
	"attempts": "尝试", "recoveries": "失去 worker", "timeout": "时限", "unique": "唯一", "result": "结果", "none": "不限", "kept for %s": "保留 %s", "until it is final": "直到它结束", "for %s at most": "最长 %s",
	"lost its worker %s times": "%s 次失去 worker", "of at most %d, %s": "次，最多 %d 次，%s", "after %s each": "每次隔 %s", "after %s": "依次隔 %s", "after %s, doubling up to %s": "隔 %s，逐次加倍直到 %s",
	"no worker has known its task since %s": "自 %s 起没有 worker 认识它的任务名", "no worker has known this task for %s": "已有 %s没有 worker 认识这个任务名",
	"no longer in the store: counts as finished": "已不在存储中：视为已完成", "%s (%s in %s)": "%s（%s，队列 %s）", "and %d more": "另有 %d 个", "and %s more": "另有 %s 个",
	"(empty)": "（空）", "... --json shows all of it": "…… --json 可显示全部", "requeued: attempts are counted anew": "已重新入队：尝试次数重新计算",
	"on %s": "于 %s", "retried at %s": "将于 %s 重试", "log": "日志", "errors, outermost first": "错误链，最外层在前", "stack trace": "堆栈",
	"No such jobs.": "没有这样的任务。", "There are more. A larger --limit lists more at once; to go on, add --cursor %s": "还有更多。加大 --limit 可一次多列一些；要继续，请加 --cursor %s",

	// Changes.
	"Requeue %s?": "要让%s重新入队吗？", "Cancel %s?": "要取消%s吗？", "Delete %s?": "要删除%s吗？",
	"%s requeued": "%s已重新入队", "%s canceled": "%s已取消", "%s deleted": "%s已删除", "%s deleted.": "%s已删除。",
	"no job was requeued: %s": "没有任务重新入队：%s", "no job was canceled: %s": "没有取消任务：%s", "no job was deleted: %s": "没有删除任务：%s",
	"%s skipped: not in a state for it": "跳过 %s 个：状态不符", "%s not found": "%s 个不存在", "of every queue": "（所有队列）", "of queue %s": "（队列 %s）",
	"%s jobs %s": " %s 的任务%s", "the jobs of task %[2]s among %[1]s %[3]s": "任务名为 %[2]s 的任务（在 %[1]s 之中）%[3]s", "Delete %s of hotqueue %s?": "要删除%s（hotqueue 队列 %s）吗？",
	"nothing done": "什么也没有做", "interrupted": "已中断", "invalid": "无效",
	"job not found": "任务不存在", "the same job is alive already": "相同的任务尚未结束", "payload too large": "参数太大", "the value does not fit the task": "该值不符合任务函数的类型",
	"the store is corrupt": "存储已损坏", "it is not known whether it was done": "不知道是否已经执行", "the store cannot be used now": "存储目前不可用",
	"task %q is none of this program's (%s): --unchecked enqueues it all the same":                    "本程序没有任务名 %q（只有 %s）：加 --unchecked 仍可入队",
	"the value for %s is not JSON: %v: write a string as '\"text\"', an object as '{\"to\":\"ann\"}'": "%s 的值不是 JSON：%v：字符串写成 '\"text\"'，对象写成 '{\"to\":\"ann\"}'",

	// The worker and the dashboard.
	"Worker %s serves %s, %d at a time, and knows %s.": "Worker %s 处理 %s，同时运行 %d 个任务，认识 %s。", "Parameter worker serves the hotqueue %s.": "参数 worker 处理 hotqueue 队列 %s。",
	"Stopping: running jobs have %s to finish. Interrupt again to cancel them.": "正在停止：运行中的任务还有 %s。再次中断则取消它们。", "Dashboard at http://%s%s": "仪表盘在 http://%s%s",
	"this program knows no tasks but the demo's: tasks are Go functions, and a worker is a program that contains them.\n'%s worker %s' runs the demo's jobs. For your own, write main.go:\n\n%s\n\nand then\n\n%s": "本程序只认识 demo 的任务：任务是 Go 函数，worker 是包含它们的程序。\n“%s worker %s”运行 demo 的任务。要运行您自己的，请写 main.go：\n\n%s\n\n然后\n\n%s",

	// The demo.
	"One job per file under %s": "为 %s 下的每个文件建立一个任务", "store": "存储", "cleared": "清除", "found": "找到", "ran": "运行", "Run": "运行", "Run again": "重新运行",
	"%s of an earlier run": "上次运行留下的%s", "(4 of them are made to fail)": "（其中 4 个必定失败）", "%s in %s: %s": "%s，用时 %s：%s", "(%d at a time)": "（同时 %d 个）",
	"the failing ones took until %s, with their retries and timeouts": "失败的连同重试和超时，共用时 %s", "%s are not to be found: did another demo run on this store?": "%s不见了：是不是还有别的 demo 在用这个存储？",
	"Results: %s, %s, %s": "结果：%s，%s，%s", "(none)": "（无）", "%d others": "其他 %d 种", "'%s demo --json' prints every file.": "“%s demo --json”输出每个文件。",
	"Failed jobs: %s": "失败的任务：%s", "The panic among them, with its stack trace": "其中的 panic 及其堆栈", "Retried until it worked": "重试直到成功",
	"attempts 1 and 2: %s": "第 1、2 次尝试：%s", "attempt %d: succeeded": "第 %d 次尝试：成功", "The price list that %s missed has come meanwhile.": "%s 缺少的价目表现在到了。",
	"Requeued %s, payload and history unchanged: %s queued, %s failed.": "%s已重新入队，参数和历史不变：排队中 %s，失败 %s。", "result %s": "结果 %s",
	"The jobs were kept in memory and are gone now. Without --store they stay in %s.": "任务只在内存里，现在没有了。不加 --store 时保存在 %s 里。",
	"the queue as a bar": "以条形显示队列", "the failed jobs": "失败的任务", "one of them: payload, attempts, errors, stack trace": "其中一个：参数、各次尝试、错误、堆栈", "put it back in its queue": "把它放回队列",
	"run what is queued": "运行排队中的任务", "the one that was mended, with its history": "修好的那一个，及其历史", "Results are kept for %s, failed jobs for %s.": "结果保留 %s，失败的任务保留 %s。",
	"skipped: %s": "跳过：%s", "%s symbolic links": "%s 个符号链接", "%s directories that cannot be read": "%s 个无法读取的目录", "%s pipes, sockets and devices": "%s 个管道、套接字和设备",
	"%s files of the demo's own database": "%s 个 demo 自己的数据库文件", "demo: %v": "demo：%v", "demo: %s is not a directory: name one, and every file below it becomes a job": "demo：%s 不是目录：请给出一个，其中每个文件都会成为一个任务",
	"demo: queue %s of this store holds %s of other tasks: use another store":                                    "demo：这个存储的队列 %s 里有%s不是 demo 的：请用别的存储",
	"demo: the current directory cannot be written to: say where to keep the jobs, as in --store sqlite:/tmp/%s": "demo：当前目录不可写：请说明任务保存在哪里，如 --store sqlite:/tmp/%s",
}
