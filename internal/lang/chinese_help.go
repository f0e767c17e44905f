package lang

// chineseHelp is the command line's help in Chinese: commands, flags and what is wrong with a command line.
var chineseHelp = map[string]string{
	// What help is made of.
	"Usage:": "用法：", "Examples:": "示例：", "Flags:": "选项：", "Flags of every command:": "所有命令都有的选项：", "Commands:": "命令：", "Other:": "其他：",
	"Run:": "运行：", "Look:": "查看：", "Change:": "更改：", "%s COMMAND": "%s 命令", "'%s COMMAND --help' tells more about a command.": "运行“%s 命令 --help”可查看某个命令的说明。",
	"(default %s)": "（默认 %s）", "help for this command": "显示本命令的帮助", "Run '%s --help' for how to use it.": "用法请见“%s --help”。",
	"Help for any command": "查看任一命令的帮助", "Tell what a command does and how it is used.": "说明一个命令的作用和用法。",
	"Background jobs: run them, look at them, change what becomes of them": "后台任务：运行、查看、更改",
	"Background jobs: run them, look at them, change what becomes of them.\n\nThe store is named by a URL: --store, else $ERRAND_STORE, else %s.\nExit status: 0 done, 1 failed, 2 misused.": "后台任务：运行、查看、更改。\n\n" +
		"存储由 URL 指定：先看 --store，再看 $ERRAND_STORE，否则用 %s。\n退出码：0 完成，1 失败，2 用法有误。",
	"`URL` of the store, such as sqlite:errand.db (default $ERRAND_STORE, else %s)": "存储的 `URL`，如 sqlite:errand.db（默认 $ERRAND_STORE，否则 %s）",
	"print JSON": "输出 JSON",
	"speak `LANG`, en or zh (default: what $LC_ALL, $LC_MESSAGES or $LANG says)": "使用语言 `LANG`：en 或 zh（默认依 $LC_ALL、$LC_MESSAGES 或 $LANG）",

	// What is wrong with a command line.
	"the command line is wrong": "命令行有误", "%s (%s)": "%s（%s）", "there is no command %q": "没有命令 %q",
	"%s takes no arguments: %q is too much": "%s 不带参数：%q 是多余的", "%s needs %s": "%s 需要%s", "%s takes %s: %q is too much": "%s 只需要%s：%q 是多余的",
	"the name of a queue": "队列名", "the id of a job": "任务编号", "a task and its JSON value": "任务名和它的 JSON 值", "one directory": "一个目录",
	"--lang %q: use en or zh": "--lang %q：请用 en 或 zh", "--limit %d: use 1 or more": "--limit %d：至少为 1", "--concurrency %d: use 1 or more": "--concurrency %d：至少为 1",
	"--at %q: use 2026-01-31T15:04:05Z or '2026-01-31 15:04'": "--at %q：请写成 2026-01-31T15:04:05Z 或 '2026-01-31 15:04'",
	"--backoff %q: %v: use 10s, 10s..1h or 1s,5s,30s":         "--backoff %q：%v：请写成 10s、10s..1h 或 1s,5s,30s", "--backoff needs --retry N": "--backoff 须与 --retry N 一起用",
	"--%s 0 means nothing: leave it out for the default": "--%s 0 没有意义：要用默认值就不要写它",
	"use one of --in and --at":                           "--in 和 --at 只能用一个", "use one of --failed and --messages": "--failed 和 --messages 只能用一个", "use ids or --all, not both": "编号和 --all 只能用一个",
	"name jobs by their ids, or say --all": "请给出任务编号，或用 --all", "--queue, --state and --task select among all jobs: say --all": "--queue、--state 和 --task 是从全部任务中筛选：请加上 --all",
	"%.100q is not a job id: use the 36 characters that 'jobs' shows":                                  "%.100q 不是任务编号：请用“jobs”列出的 36 个字符",
	"%s Nobody can be asked here: say --yes to do it":                                                  "%s 这里无人可问：要执行请加 --yes",
	"--listen %q: use an address such as 127.0.0.1:9310":                                               "--listen %q：请用 127.0.0.1:9310 这样的地址",
	"--listen %s can be reached from elsewhere: set $%s or --password-file, or say --insecure-no-auth": "--listen %s 可从别处访问：请设置 $%s 或 --password-file，或加 --insecure-no-auth",
	"--password-file %s is empty":                                                                      "--password-file %s 是空的", "--insecure-no-auth and a password exclude each other": "--insecure-no-auth 与密码不能同时使用",

	// Run.
	"Run jobs": "运行任务",
	"Run the jobs of the queues, by default %s, in the order given, until interrupted. The first SIGINT or SIGTERM lets running jobs finish, the second cancels them, the third exits at once.\n\nThe program's parameter workers run beside, or those of them that are named. With --burst it stops when nothing is left to run.": "按所给顺序运行各队列（默认 %s）的任务，直到被中断。第一个 SIGINT 或 SIGTERM 让正在运行的任务做完，第二个取消它们，第三个立即退出。\n\n" +
		"程序的参数 worker（或其中被点名的）同时运行。加 --burst 则在没有任务可运行时停止。",
	"serve this `QUEUE`; may be repeated, or a list with commas":                            "处理队列 `QUEUE`；可重复，也可用逗号分隔",
	"which queue comes first, the `ORDER`: strict, round-robin, weighted or random":         "哪个队列优先，`ORDER` 为 strict（严格）、round-robin（轮流）、weighted（加权）或 random（随机）",
	"how often a queue comes first, as `QUEUE=N`, with --strategy weighted":                 "队列优先的次数，写成 `QUEUE=N`，配合 --strategy weighted",
	"how many jobs run at a time":                                                           "同时运行多少个任务",
	"stop when nothing is left to run":                                                      "没有任务可运行时停止",
	"how long until the jobs of a worker that died are run again":                           "worker 死后多久重新运行它的任务",
	"of an attempt whose job has none; negative: none":                                      "任务自己没有规定时，一次尝试的时限；负数表示不限",
	"how long running jobs may take to finish when it stops; negative: cancel them at once": "停止时，正在运行的任务最多还有多久；负数表示立即取消",
	"log more":                 "输出更多日志",
	"Add a job":                "加入一个任务",
	"the `QUEUE` to add it to": "加入队列 `QUEUE`",
	"Add a job that calls TASK with the value that JSON stands for; with - in place of JSON, it is read from standard input. The job's id is printed.\n\nWhere this program knows the task, the value is checked against the task's type, and the task's own options hold unless a flag says otherwise.": "加入一个任务：以 JSON 所表示的值调用 TASK；JSON 写成 - 则从标准输入读取。输出任务编号。\n\n" +
		"如果本程序认识这个任务函数，会按它的类型检查该值；它自带的选项有效，除非另有选项指定。",
	"run it no sooner than after `D`, such as 10m": "至少过 `D`（如 10m）才运行", "`N` from 0 to 9; the higher goes first": "优先级 `N`，0 到 9，大者优先",
	"run it no sooner than at `TIME`: 2026-01-31T15:04:05Z, or '2026-01-31 15:04' in local time": "不早于 `TIME` 运行：2026-01-31T15:04:05Z，或本地时间 '2026-01-31 15:04'",
	"refuse it while the same job is alive, for `D` at most (0: until that one is final)":        "相同任务未结束时拒绝，最长 `D`（0：直到它结束）",
	"run it after the jobs with these `IDS`":                                                     "在编号为 `IDS` 的任务之后运行", "run it again after a failure, at most `N` times": "失败后重试，最多 `N` 次",
	"wait `D` before each retry; 10s..1h doubles up to 1h; 1s,5s,30s lists them": "每次重试前等待 `D`；10s..1h 逐次加倍直到 1h；1s,5s,30s 逐一列出",
	"end an attempt after `D` (0: the worker's default; negative: never)":        "一次尝试最长 `D`（0：依 worker 的默认值；负数：不限）",
	"keep the finished job and its result for `D`":                               "完成后把任务和结果保留 `D`", "take a task that this program does not know": "接受本程序不认识的任务名",
	"Serve the dashboard": "提供仪表盘",
	"Serve the dashboard until interrupted; beside its pages a JSON API (api/v1/openapi.json), healthz, readyz, and metrics for Prometheus.\n\nIt asks for the name in $%s (default: admin) and the password in $%s or --password-file. Without a password it serves this machine only, and everybody on it.": "提供仪表盘，直到被中断；除页面外还有 JSON API（api/v1/openapi.json）、healthz、readyz 和供 Prometheus 使用的 metrics。\n\n" +
		"登录名取自 $%s（默认 admin），密码取自 $%s 或 --password-file。没有密码时只对本机开放，本机上人人可看。",
	"the `ADDRESS` to listen on": "监听地址 `ADDRESS`", "the `PREFIX` of its URLs": "网址前缀 `PREFIX`",
	"a `NAME` by which browsers may ask for it, besides localhost; may be repeated": "除 localhost 外，浏览器可用的主机名 `NAME`；可重复", "read the password from `FILE`": "从 `FILE` 读取密码",
	"let everybody in who can reach the address": "凡能访问该地址者都放行", "refuse every change": "拒绝一切更改",
	"Watch real jobs being done, failing and being run again": "看真实的任务如何完成、失败、重新运行",
	"Run one job per file under DIR (default: the current directory), which computes its SHA-256, size and lines, and a few jobs that must fail; show the results and the failed jobs, and run those again.\n\nThe jobs are kept in the SQLite database %s in the current directory, or in --store, to look further into. $ERRAND_STORE is not used. A second run clears what the first has left. Symbolic links, directories that cannot be read and the database itself are skipped.": "对 DIR（默认当前目录）下的每个文件运行一个任务，计算 SHA-256、大小和行数；另有几个必定失败的任务。然后展示结果和失败的任务，并重新运行后者。\n\n" +
		"任务保存在当前目录的 SQLite 数据库 %s 里，或 --store 指定之处，可继续查看；不使用 $ERRAND_STORE。再次运行会先清除上次留下的任务。符号链接、无法读取的目录和数据库本身会跳过。",
	"Print the version": "显示版本", "Print the version of this program, of Errand and of Go.": "显示本程序、Errand 和 Go 的版本。",

	// Look.
	"Show queues as bars, and the workers": "以条形显示各队列，并列出 worker",
	"List the queues and hotqueues":        "列出队列和 hotqueue 队列",
	"List the queues with the number of their jobs in each state and their rates per minute, and the hotqueues with the number of messages that wait.": "列出各队列每种状态的任务数和每分钟的速率，以及各 hotqueue 队列等待的消息数。",
	"List jobs": "列出任务",
	"List jobs, of one state in the order in which they are next, or of all states. Where there are more than --limit, the last line says how to go on.": "列出任务：某一状态的按先后次序，或全部状态的。多于 --limit 时，末行说明如何继续。",
	"only jobs of this `QUEUE`": "只看队列 `QUEUE` 的任务", "only jobs in this `STATE`: %s": "只看状态为 `STATE` 的任务：%s", "only jobs of this `TASK`": "只看任务名为 `TASK` 的任务",
	"how many `JOBS` at most": "最多列出 `JOBS` 个", "the newest first": "最新的在前", "print ids only, one a line": "只输出编号，每行一个",
	"go on where the list with this `CURSOR` ended": "从游标 `CURSOR` 处继续",
	"Show everything about one job":                 "显示一个任务的全部信息",
	"Show everything about one job: payload, result, times, what it waits for, and every attempt with its error, the errors behind it, its stack trace and its log.": "显示一个任务的全部信息：参数、结果、时间、它在等什么，以及每次尝试的错误、错误链、堆栈和日志。",

	// Change.
	"Put failed jobs back in their queues": "把失败的任务放回队列",
	"Put failed, canceled, finished or scheduled jobs back in their queues, to be run at once. Payload and history stay; attempts are counted anew.\n\n--all takes every failed job, or those that --queue, --state and --task select.": "把失败、已取消、已完成或已定时的任务放回各自的队列，立即运行。参数和历史不变；尝试次数重新计算。\n\n" +
		"--all 针对全部失败的任务，或 --queue、--state、--task 所选的任务。",
	"Call off jobs that wait or run": "取消等待或运行中的任务",
	"Call off jobs. One that waits becomes canceled; of one that runs the context ends. Jobs that depend on it fail.\n\n--all takes every job that waits or runs, or those that --queue, --state and --task select, and asks before.": "取消任务。等待中的变为已取消；运行中的，其 context 结束。依赖它的任务会失败。\n\n" +
		"--all 针对全部等待或运行中的任务，或 --queue、--state、--task 所选的任务，并会先询问。",
	"Remove jobs for good": "彻底删除任务",
	"Remove jobs of any state but started, with their payloads and histories. It asks before. Jobs that depend on one that was not finished fail.\n\n--all takes every job but the started ones, or those that --queue, --state and --task select.": "删除除运行中之外任何状态的任务，连同参数和历史，并会先询问。依赖未完成任务的任务会失败。\n\n" +
		"--all 针对除运行中之外的全部任务，或 --queue、--state、--task 所选的任务。",
	"all jobs that the other flags select": "其他选项所选的全部任务", "do not ask": "不询问",
	"Remove everything that waits in a queue": "清空队列中等待的一切",
	"Remove the jobs of a queue that wait: queued, scheduled and deferred ones. It asks before. Running jobs are left alone.\n\n--failed removes the queue's failed jobs in their place, --messages the messages of a hotqueue.": "删除队列中等待的任务：排队中、已定时和等待依赖的，并会先询问。运行中的任务不受影响。\n\n" +
		"--failed 改为删除该队列失败的任务，--messages 改为删除 hotqueue 队列的消息。",
	"remove the failed jobs, not those that wait": "删除失败的任务，而不是等待的", "remove the messages of the hotqueue QUEUE": "删除 hotqueue 队列 QUEUE 的消息",
	"Stop workers from taking jobs of a queue": "让 worker 不再领取某队列的任务", "Let workers take jobs of a paused queue again": "让 worker 重新领取已暂停队列的任务",
	"Stop workers from taking jobs of the queues, until resume. Jobs that run go on, and jobs can be added.": "让 worker 不再领取这些队列的任务，直到 resume。正在运行的继续，仍可加入任务。",
	"Let workers take jobs of the queues again.":                                                             "让 worker 重新领取这些队列的任务。",
}
