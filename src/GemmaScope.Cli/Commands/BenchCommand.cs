using System.CommandLine;
using System.Diagnostics;

namespace GemmaScope.Cli.Commands;

/// <summary>Runs the benchmarks, which are a program of the source tree and no part of the command.</summary>
internal sealed class BenchCommand : GemmaScopeCommand
{
    private const string Project = "bench/GemmaScope.Bench";

    public BenchCommand()
        : base(
            "bench",
            "Measure speed and memory against the limits of this machine, in a clone of the repository. 'bench -- --help' shows its "
                + "options.",
            "gemmascope bench",
            "gemmascope bench --only decode --rounds 9"
        )
    {
        // The program has the options; they are passed on as they are.
        TreatUnmatchedTokensAsErrors = false;
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var root = RepositoryOf(AppContext.BaseDirectory) ?? RepositoryOf(Directory.GetCurrentDirectory());
        if (root is null)
            throw new ArgumentProblemException(
                $"needs the source: clone the repository and say dotnet run -c Release --project {Project} there",
                "bench"
            );
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { "run", "--configuration", "Release", "--project", Path.Combine(root, Project), "--" },
        };
        foreach (var token in arguments.Tokens.SkipWhile(token => token.Value != Name).Skip(1))
            if (token.Value != "--")
                start.ArgumentList.Add(token.Value);
        using var program = Process.Start(start)!;
        // Ctrl-C reaches the program too, which ends by itself.
        program.WaitForExit();
        return program.ExitCode;
    }

    private static string? RepositoryOf(string? folder)
    {
        while (folder is not null && !Directory.Exists(Path.Combine(folder, Project)))
            folder = Path.GetDirectoryName(folder);
        return folder;
    }
}
