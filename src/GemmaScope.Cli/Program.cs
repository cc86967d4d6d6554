using GemmaScope.Cli;

using var cancellation = new CancellationTokenSource();

// The first Ctrl-C asks the command to end cleanly, the second ends the process.
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = !cancellation.IsCancellationRequested;
    cancellation.Cancel();
};
return Application.Run(args, Terminal.OfProcess(), cancellation.Token);
