using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>A PostgreSQL server of its own for the tests, in a temporary folder; where PostgreSQL is not installed they are
/// skipped.</summary>
public sealed class PostgresServer : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gemmascope-postgres-").FullName;
    private readonly string? _programs = Programs();
    private readonly int _port = FreePort();
    private int _databases;
    private bool _started;

    public void Dispose()
    {
        if (_started)
            Run("pg_ctl", $"-D '{Data}' -m immediate stop");
        Directory.Delete(_folder, recursive: true);
    }

    private string Data => Path.Combine(_folder, "data");

    /// <summary>The address of a new, empty database.</summary>
    public string NewDatabase()
    {
        Assert.SkipWhen(_programs is null, "PostgreSQL is not installed (initdb, pg_ctl)");
        if (!_started)
            Start();
        var name = $"features{++_databases}";
        Run("psql", $"-h 127.0.0.1 -p {_port} -U gemmascope -d postgres -c 'CREATE DATABASE {name}'");
        return $"postgres://gemmascope@127.0.0.1:{_port}/{name}";
    }

    private void Start()
    {
        // A server refuses to run as root: there it runs as the user its package made.
        if (Environment.UserName == "root")
            Shell($"chown postgres '{_folder}'");
        Run("initdb", $"-D '{Data}' -U gemmascope -A trust -E UTF8 --locale=C");
        Run(
            "pg_ctl",
            $"-D '{Data}' -w -t 600 -l '{_folder}/log' -o \"-p {_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{_folder}' -c "
                + "fsync=off\" start"
        );
        _started = true;
    }

    private void Run(string program, string arguments)
    {
        var command = $"'{Path.Combine(_programs!, program)}' {arguments}";
        Shell(Environment.UserName == "root" ? $"cd / && runuser -u postgres -- {command}" : command);
    }

    private static void Shell(string command)
    {
        // Without pipes: a server that goes on would keep them open.
        using var process = Process.Start(new ProcessStartInfo("bash", ["-c", $"{command} >/dev/null 2>&1 </dev/null"]))!;
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command} ended with {process.ExitCode}");
    }

    private static string? Programs()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Concat(
                Directory.Exists("/usr/lib/postgresql")
                    ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(folder => Path.Combine(folder, "bin"))
                    : []
            );
        return folders.FirstOrDefault(folder =>
            File.Exists(Path.Combine(folder, "initdb"))
            && File.Exists(Path.Combine(folder, "pg_ctl"))
            && File.Exists(Path.Combine(folder, "psql"))
        );
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
